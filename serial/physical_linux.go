package serial

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A uart is an open serial port, of any driver.
type uart struct {
	file    *os.File
	raw     syscall.RawConn // of file
	flow    Flow
	outputs outputs

	writeMu sync.Mutex    // held by write from start to end
	closed  chan struct{} // closed by close
	closing sync.Once

	mu          sync.Mutex // orders deadlines before or after the close
	drainBefore time.Time  // the write deadline
}

// read reads at least one byte.
func (u *uart) read(b []byte) (int, error) {
	n, err := readTerminal(u.raw, b)
	return n, u.explain(err)
}

// write writes in pieces, since no driver must accept all of b at once.
func (u *uart) write(b []byte) (n int, err error) {
	u.writeMu.Lock()
	defer u.writeMu.Unlock()
	for n < len(b) && err == nil {
		if u.isClosed() {
			return n, errLineClosed
		}
		var written int
		written, err = u.writePiece(b[n:min(len(b), n+maxLineWrite)])
		n += written
	}
	return n, u.explain(err)
}

// writePiece waits until the driver has room, and then writes.
func (u *uart) writePiece(b []byte) (n int, err error) {
	waitErr := u.raw.Write(func(fd uintptr) (done bool) {
		events := btsocket.PollEvents(fd, unix.POLLOUT)
		if events&unix.POLLHUP != 0 {
			err = unix.EIO
			return true
		}
		if events&unix.POLLOUT == 0 {
			return false
		}
		n, err = btsocket.WriteNow(fd, b)
		for err == unix.EINTR {
			n, err = btsocket.WriteNow(fd, b)
		}
		return err != unix.EAGAIN
	})
	if waitErr != nil {
		return n, waitErr
	}
	return n, err
}

// signals returns the modem signals.
func (u *uart) signals() (signals Signals, err error) {
	err = u.control(func(fd int) (err error) {
		signals, err = u.outputs.signals(fd)
		return err
	})
	return signals, err
}

// setSignals changes the outputs.
func (u *uart) setSignals(set, clear Signals) error {
	if u.flow == FlowRTS {
		set, clear = set&^RTS, clear&^RTS
	}
	return u.control(func(fd int) error { return u.outputs.set(fd, set, clear) })
}

func (u *uart) setReadDeadline(t time.Time) error { return u.set(u.file.SetReadDeadline, t) }

func (u *uart) setDeadline(t time.Time) error {
	if err := u.setReadDeadline(t); err != nil {
		return err
	}
	return u.setWriteDeadline(t)
}

func (u *uart) setWriteDeadline(t time.Time) error {
	return u.set(func(t time.Time) error {
		u.drainBefore = t
		return u.file.SetWriteDeadline(t)
	}, t)
}

// set sets a deadline, unless close has set the last one.
func (u *uart) set(set func(time.Time) error, t time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.isClosed() {
		return errLineClosed
	}
	return u.explain(set(t))
}

// close ends pending calls and exclusive access. After the last Write, it discards
// unsent data, for which close(2) would wait up to 30 s (tty_port_close_start).
func (u *uart) close() error {
	err := errLineClosed
	u.closing.Do(func() {
		u.wakeAll()
		u.writeMu.Lock()
		defer u.writeMu.Unlock()
		u.raw.Control(func(fd uintptr) {
			unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCOFLUSH)
			unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0)
		})
		err = u.file.Close()
	})
	return err
}

// wakeAll makes pending and future calls return.
func (u *uart) wakeAll() {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(u.closed)
	u.file.SetDeadline(longAgo)
}

// isClosed reports whether close was called.
func (u *uart) isClosed() bool {
	select {
	case <-u.closed:
		return true
	default:
		return false
	}
}

// control calls f with the descriptor. f may make system calls that do not
// block.
func (u *uart) control(f func(fd int) error) error {
	var result error
	if err := u.raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return errLineClosed // the only reason for which Control fails
	}
	return u.explain(result)
}

// explain returns err without the name of the file, and with its cause.
func (u *uart) explain(err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	switch {
	case err == nil:
		return nil
	case u.isClosed(): // package os has two errors for that
		return errLineClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	case err == io.EOF, errors.Is(err, unix.EIO): // after a hang-up, see hung_up_tty_read
		return withReason(unix.EIO, "the port was unplugged or hung up")
	}
	return withoutTimeout(err)
}
