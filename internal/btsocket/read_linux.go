package btsocket

import (
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Read reads what has arrived, and waits where nothing has. The end of the
// stream comes after all data before it, and stays: io.EOF when the other end
// closed, which the kernel reports as ECONNRESET; otherwise the errno, or
// ECONNABORTED where the kernel gave none.
func (s *Socket) Read(p []byte) (int, error) {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil // whatever the deadline, as package net does
	}
	s.read.rest, s.read.n, s.read.err = p, 0, nil
	err := s.raw.Read(s.read.step)
	s.read.rest = nil
	if err != nil {
		return 0, s.pollError(err)
	}
	return s.read.n, s.read.err
}

// readStep reads once. It is done when there is data, an error or an end.
//
// Waiting for the poller is safe only after a look at the state: the edge that
// told of the end may have been consumed before this Read began, and the errno
// may have gone to a writer.
func (s *Socket) readStep(fd uintptr) (done bool) {
	for {
		n, err := unix.Read(int(fd), s.read.rest)
		switch {
		case n > 0:
			s.read.n = n
			return true
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			if end := s.ended(); end != nil {
				s.read.err = readError(end)
				return true
			}
			if !hungUp(fd) {
				return false
			}
		case err == nil:
			// Nothing read, yet no end: the kernel has accepted a connection
			// with BT_DEFER_SETUP (rfcomm_sock_recvmsg), or the packet was empty.
			if !hungUp(fd) {
				continue
			}
		case passing(err):
			s.read.err = os.NewSyscallError("read", err)
			return true
		}
		return s.readLast(fd, err)
	}
}

// readLast reads once more from a stream that has ended, since data may have
// come between the first look and the end. before is what that look gave.
func (s *Socket) readLast(fd uintptr, before error) (done bool) {
	if end := endOf(before); end != nil {
		s.record(end)
	}
	var n int
	err := retry(func() (err error) {
		n, err = unix.Read(int(fd), s.read.rest)
		return err
	})
	if n > 0 {
		s.read.n = n
		return true
	}
	if end := endOf(err); end != nil {
		s.record(end)
	}
	if s.ended() == nil {
		// A writer may have taken the errno and not recorded it yet. It cannot
		// wait any more: the end has woken it.
		drain(&s.writeMu)
		s.record(noErrno)
	}
	s.read.err = readError(s.ended())
	return true
}

// readError is how Read reports the end of the stream.
func readError(end error) error {
	if end == io.EOF || end == unix.ECONNRESET {
		return io.EOF
	}
	return os.NewSyscallError("read", end)
}
