//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package partfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock locks an open part file, or returns ErrBusy. Where the file system has
// no locks, such as some on a network, it does without.
func flock(file *os.File) error {
	for {
		switch err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
		case err == unix.EINTR:
		case err == unix.EWOULDBLOCK:
			return ErrBusy
		case errors.Is(err, errors.ErrUnsupported), err == unix.ENOLCK:
			return nil
		default:
			return os.NewSyscallError("flock", err)
		}
	}
}

// unlock ends what flock began. Closing the file would do it if that fails.
func unlock(file *os.File) { unix.Flock(int(file.Fd()), unix.LOCK_UN) }
