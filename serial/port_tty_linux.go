package serial

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A tty is an open RFCOMM tty in raw mode.
type tty struct {
	name string
	file *os.File
	raw  syscall.RawConn // of file
	link *linkWatch

	readMu  sync.Mutex // held by read from start to end
	early   []byte     // data that arrived before the hand-over
	writeMu sync.Mutex // held by write from start to end
	chunks  chunks

	mu     sync.Mutex // orders deadlines before or after the close
	closed atomic.Bool
}

// newTTY returns the tty of a descriptor. It takes ownership of fd and, unless
// it fails, of link.
func newTTY(fd int, name string, early []byte, link *linkWatch, adapter rfcomm.BDAddr) (*tty, error) {
	t := &tty{name: name, early: early, link: link, chunks: newChunks(adapter), file: os.NewFile(uintptr(fd), name)}
	// If the poller refuses the descriptor, os.NewFile silently falls back to
	// blocking calls.
	err := t.file.SetDeadline(time.Time{})
	if err == nil {
		t.raw, err = t.file.SyscallConn()
	}
	if err != nil {
		t.file.Close()
		return nil, os.NewSyscallError("epoll_ctl", unix.ENOSPC)
	}
	return t, nil
}

func (t *tty) read(b []byte) (int, error) {
	t.readMu.Lock()
	defer t.readMu.Unlock()
	if t.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(b) == 0 {
		return 0, nil
	}
	if len(t.early) > 0 {
		n := copy(b, t.early)
		t.early = t.early[n:]
		return n, nil
	}
	n, err := readTerminal(t.raw, b)
	if n > 0 || err == nil {
		return n, nil
	}
	// The kernel reports the end by 0 bytes, or by EIO.
	if err == io.EOF || errors.Is(err, unix.EIO) {
		return 0, t.ended(t.link.end)
	}
	return 0, t.pollError(err)
}

// drainPause is the time between two looks at the queue of the driver.
const drainPause = 5 * time.Millisecond

// drain waits until the driver's queue is empty. poll(2) reports that, unless a
// frame is so short that the driver always has room.
func (t *tty) drain() error {
	t.writeMu.Lock()
	defer t.writeMu.Unlock()
	for first := true; ; first = false {
		if t.closed.Load() {
			return net.ErrClosed
		}
		queued, err := t.queued()
		if err != nil || queued == 0 {
			return err
		}
		if !first {
			time.Sleep(drainPause)
		}
		err = t.raw.Write(func(fd uintptr) bool {
			return btsocket.PollEvents(fd, unix.POLLOUT)&(unix.POLLOUT|unix.POLLHUP) != 0
		})
		if err != nil {
			return t.pollError(err)
		}
	}
}

// queued returns 0 if the driver's queue is empty. Otherwise it is not a number
// of bytes (rfcomm_tty_chars_in_buffer).
func (t *tty) queued() (queued int, err error) {
	err = t.control(func(fd int) error {
		queued, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
		if errors.Is(err, unix.EIO) {
			return t.link.endOfWrite()
		}
		return os.NewSyscallError("ioctl", err)
	})
	return queued, err
}

// ended returns how the connection has ended, unless it was closed by this
// process.
func (t *tty) ended(end func() error) error {
	if t.closed.Load() {
		return net.ErrClosed
	}
	return end()
}

// awaitEnd waits until the kernel has hung up the tty.
func (t *tty) awaitEnd() error {
	t.readMu.Lock()
	defer t.readMu.Unlock()
	if t.closed.Load() {
		return net.ErrClosed
	}
	err := t.raw.Read(func(fd uintptr) bool {
		return btsocket.PollEvents(fd, unix.POLLIN)&unix.POLLHUP != 0
	})
	if err != nil {
		return t.pollError(err)
	}
	return t.ended(t.link.end)
}

// hungUp reports whether the connection has ended, without reading.
func (t *tty) hungUp() (ended bool) {
	err := t.control(func(fd int) error {
		ended = btsocket.PollEvents(uintptr(fd), 0)&unix.POLLHUP != 0
		return nil
	})
	return ended || err != nil
}

// control calls f with the descriptor. f may make system calls that do not
// block.
func (t *tty) control(f func(fd int) error) error {
	if t.closed.Load() {
		return net.ErrClosed
	}
	var result error
	if err := t.raw.Control(func(fd uintptr) { result = f(int(fd)) }); err != nil {
		return net.ErrClosed // the only reason for which Control fails
	}
	return result
}

// pollError translates the error of a failed wait or system call.
func (t *tty) pollError(err error) error {
	switch {
	case err == nil:
		return nil
	case t.closed.Load():
		return net.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	if errno, ok := err.(unix.Errno); ok {
		return os.NewSyscallError("read", errno)
	}
	return err
}

func (t *tty) setDeadline(d time.Time) error      { return t.set(t.file.SetDeadline, d) }
func (t *tty) setReadDeadline(d time.Time) error  { return t.set(t.file.SetReadDeadline, d) }
func (t *tty) setWriteDeadline(d time.Time) error { return t.set(t.file.SetWriteDeadline, d) }

func (t *tty) set(set func(time.Time) error, d time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed.Load() {
		return net.ErrClosed
	}
	return set(d)
}

// closeDrain is the time that a close gives the peer to accept queued data.
const closeDrain = 2 * time.Second

// close wakes all pending calls and closes the tty. close(2) would wait up to
// 30 s for queued data (tty_wait_until_sent), and can be stuck behind the
// kernel's rfcomm_mutex.
func (t *tty) close() error {
	t.mu.Lock()
	first := !t.closed.Swap(true)
	if first {
		t.file.SetDeadline(longAgo)
	}
	t.mu.Unlock()
	if !first {
		return net.ErrClosed
	}
	done := make(chan error, 1)
	go func() {
		t.readMu.Lock()
		t.writeMu.Lock()
		defer t.readMu.Unlock()
		defer t.writeMu.Unlock()
		t.discardUnsent()
		t.link.close()
		done <- t.file.Close()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(closeDrain + stuckWait):
		return nil
	}
}

// discardUnsent waits up to closeDrain until queued data is sent, and discards
// the rest.
func (t *tty) discardUnsent() {
	for end := time.Now().Add(closeDrain); time.Now().Before(end); time.Sleep(drainPause) {
		queued := 0
		t.raw.Control(func(fd uintptr) { queued, _ = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ) })
		if queued == 0 {
			return
		}
	}
	t.raw.Control(func(fd uintptr) { unix.IoctlSetInt(int(fd), unix.TCFLSH, unix.TCOFLUSH) })
}
