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

// available reports why virtual controllers cannot be created, or nil.
func available() error {
	if err := adapter.Available(); err != nil {
		return unavailable("use a virtual machine with Bluetooth, such as the one that lab/run starts", err)
	}
	err := vhci.Available()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return unavailable("run as root", err)
	default:
		return unavailable("load the kernel module hci_vhci", err)
	}
}

// unavailable adds advice to an error that means that the machine lacks
// something or that the process lacks a privilege. Any other error is a
// failure, which must not skip a test.
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
