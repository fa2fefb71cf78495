package fakebus

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// A hangup is a duplicate of a connection's descriptor, which bluetoothd watches to
// learn of the end of the connection (ext_io_disconnected in src/profile.c).
type hangup struct {
	fd         int
	stop, wake *os.File
	once       sync.Once
}

func watchHangup(fd int) (*hangup, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	duplicate, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return &hangup{fd: duplicate, stop: w, wake: r}, nil
}

// wait waits until the connection has ended or close was called, and closes the
// duplicate.
func (h *hangup) wait() {
	polled := []unix.PollFd{{Fd: int32(h.fd)}, {Fd: int32(h.wake.Fd())}}
	for {
		if _, err := unix.Poll(polled, -1); err != unix.EINTR {
			break
		}
	}
	unix.Close(h.fd)
	h.close()
	h.wake.Close()
}

func (h *hangup) close() { h.once.Do(func() { h.stop.Close() }) }
