//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package partfile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// flock locks an open part file, or returns ErrBusy if it is locked. On file
// systems without locks, such as some network file systems, flock returns nil
// without a lock.
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

// unlock releases the lock. Its error is ignored, because closing the file also
// releases the lock.
func unlock(file *os.File) { unix.Flock(int(file.Fd()), unix.LOCK_UN) }
