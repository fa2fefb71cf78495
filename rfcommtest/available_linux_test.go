package rfcommtest

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// Only a missing feature or privilege may skip a test.
func TestUnavailableMatchesUnsupportedOrNot(t *testing.T) {
	for errno, want := range map[syscall.Errno]bool{
		syscall.EAFNOSUPPORT:    true,
		syscall.EPROTONOSUPPORT: true,
		syscall.ENOENT:          true,
		syscall.ENODEV:          true,
		syscall.ENXIO:           true,
		syscall.EPERM:           true,
		syscall.EACCES:          true,
		syscall.EMFILE:          false,
		syscall.ENFILE:          false,
		syscall.ENOMEM:          false,
		syscall.EIO:             false,
		syscall.EBUSY:           false,
	} {
		for _, cause := range []error{
			os.NewSyscallError("socket", errno),
			&fs.PathError{Op: "open", Path: "/dev/vhci", Err: errno},
		} {
			err := unavailable("do this", cause)
			if errors.Is(err, errors.ErrUnsupported) != want || !errors.Is(err, errno) {
				t.Errorf("%v: got %v; errors.Is(err, errors.ErrUnsupported) is %v", cause, err, !want)
			}
		}
	}
}
