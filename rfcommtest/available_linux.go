package rfcommtest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/vhci"
)

// available tells whether controllers can be made.
func available() error {
	if err := adapter.Available(); err != nil {
		return unavailable("use a virtual machine that has Bluetooth, such as lab/run starts", err)
	}
	err := vhci.Available()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return unavailable("run as root", err)
	default:
		return unavailable("load the kernel's module hci_vhci", err)
	}
}

// unavailable gives an advice, if the error tells of something that the machine does
// not have or the process may not do. Any other is a failure, by which no test is to
// be skipped.
func unavailable(advice string, err error) error {
	if slices.ContainsFunc([]error{
		syscall.EAFNOSUPPORT, syscall.EPROTONOSUPPORT, // no Bluetooth, or not in this namespace
		syscall.ENOENT, syscall.ENODEV, syscall.ENXIO, // no device, or no driver for it
		syscall.EPERM, syscall.EACCES,
	}, func(missing error) bool { return errors.Is(err, missing) }) {
		return &unavailableError{advice, err}
	}
	return fmt.Errorf("rfcommtest: %w", err)
}
