package serial

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// readTerminal reads at least one byte, as os.File does, but with system calls of
// which the scheduler is not informed. It returns io.EOF if read(2) returns 0 bytes.
//
// The calls do not block: with O_NONBLOCK, neither n_tty_read nor tty_write waits for
// a lock, and the write operation of a driver may not sleep (tty_driver.h).
func readTerminal(raw syscall.RawConn, b []byte) (n int, err error) {
	waitErr := raw.Read(func(fd uintptr) bool {
		err = unix.EINTR
		for err == unix.EINTR {
			n, err = btsocket.ReadNow(fd, b)
		}
		return err != unix.EAGAIN
	})
	switch {
	case waitErr != nil:
		return n, waitErr
	case n == 0 && err == nil && len(b) > 0:
		return 0, io.EOF
	}
	return n, err
}

// writeTerminal writes all of b in the same way.
func writeTerminal(raw syscall.RawConn, b []byte) (n int, err error) {
	waitErr := raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			written, writeErr := btsocket.WriteNow(fd, b[n:])
			n += written
			switch {
			case writeErr == unix.EAGAIN:
				return false
			case writeErr != nil && writeErr != unix.EINTR:
				err = writeErr
				return true
			case written == 0 && writeErr == nil:
				err = io.ErrUnexpectedEOF
				return true
			}
		}
		return true
	})
	if waitErr != nil {
		return n, waitErr
	}
	return n, err
}
