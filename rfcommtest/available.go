package rfcommtest

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/vhci"
)

// An unavailableError tells why there can be no radio here. Tests can do without
// one, and so it matches errors.ErrUnsupported.
type unavailableError struct {
	advice string
	cause  error
}

func (e *unavailableError) Error() string {
	return fmt.Sprintf("rfcommtest: no virtual controllers here: %s (%v)", e.advice, e.cause)
}

func (e *unavailableError) Unwrap() []error { return []error{e.cause, errors.ErrUnsupported} }

// available tells whether controllers can be made.
func available() error {
	if runtime.GOOS != "linux" {
		return &unavailableError{"only Linux has them", errors.ErrUnsupported}
	}
	if err := adapter.Available(); err != nil {
		return &unavailableError{"use a virtual machine that has Bluetooth, such as lab/run starts", err}
	}
	err := vhci.Available()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return &unavailableError{"run as root", err}
	default:
		return &unavailableError{"load the kernel's module hci_vhci", err}
	}
}
