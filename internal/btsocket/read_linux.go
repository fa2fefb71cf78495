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
	if s.waits >= untilWaiting {
		return s.readSlowly(p, unix.EAGAIN) // as another read(2) would most likely give
	}
	if s.readDeadline.Load() {
		return s.readSlowly(p, unix.EINTR) // the poller knows whether it has passed
	}
	n, err := unix.Read(s.fd, p)
	if n > 0 {
		s.waits = 0
		return n, nil
	}
	return s.readSlowly(p, err)
}

// untilWaiting is how many Reads in a row have to find nothing at first, until the
// next is expected to find nothing either. One would not do: where each message is
// read in two parts, the first waits and the second does not.
const untilWaiting = 2

// readSlowly goes on, with the poller, where a first read(2) gave no data but
// err. EINTR stands for no first read(2), EAGAIN for one that is not worth it.
func (s *Socket) readSlowly(p []byte, err error) (int, error) {
	s.read.rest, s.read.n, s.read.err, s.read.tried = p, 0, nil, err == unix.EAGAIN
	s.read.waited = false
	defer func() { s.read.rest = nil }()
	if !s.read.tried && s.judge(uintptr(s.fd), 0, err) == done {
		return s.read.n, s.read.err
	}
	err = s.raw.Read(s.read.step)
	if !s.read.waited {
		s.waits = 0
	} else if s.waits < untilWaiting {
		s.waits++
	}
	if err != nil {
		return 0, s.pollError(err)
	}
	return s.read.n, s.read.err
}

// readStep reads until there is data, an error or an end, or nothing to be had.
//
// Waiting for the poller is safe only after a look at the state: the edge that
// told of the end may have been consumed before this Read began, and the errno
// may have gone to a writer.
func (s *Socket) readStep(fd uintptr) bool {
	if s.read.tried {
		s.read.tried = false
		if s.ended() == nil && PollEvents(fd, unix.POLLIN|unix.POLLRDHUP) == 0 {
			s.read.waited = true
			return false
		}
	}
	for {
		n, err := s.readWoken(int(fd))
		switch s.judge(fd, n, err) {
		case done:
			return true
		case wait:
			s.read.waited = true
			return false
		}
	}
}

// readWoken is read(2) in the steps of a Read: a direct one where Reads have had to
// wait, so that the process may have been idle.
//
// The kernel takes the socket's lock for it (bt_sock_stream_recvmsg). Nobody holds that
// for long but shutdown(2) and close(2) of kernels before 6.0 (rfcomm_sock_shutdown),
// which here wait until no Read is under way. Who has a descriptor of the socket
// besides may call them, though, or make it block. And the first read(2) of a
// connection with BT_DEFER_SETUP accepts it, which sends frames.
func (s *Socket) readWoken(fd int) (int, error) {
	if (s.waits > 0 || s.read.waited) && !s.shared.Load() {
		return readDirectly(fd, s.read.rest)
	}
	return unix.Read(fd, s.read.rest)
}

// A verdict says what comes after a read(2).
type verdict int

const (
	again verdict = iota // read again
	wait                 // there is nothing, but the stream goes on
	done                 // the result is in s.read
)

// judge looks at the result of a read(2).
func (s *Socket) judge(fd uintptr, n int, err error) verdict {
	switch {
	case n > 0:
		s.read.n = n
		return done
	case err == unix.EINTR:
		return again
	case err == unix.EAGAIN:
		if end := s.ended(); end != nil {
			s.read.err = readError(end)
			return done
		}
		if !hungUp(fd) {
			return wait
		}
	case err == nil:
		// Nothing read, yet no end: the kernel has accepted a connection with
		// BT_DEFER_SETUP (rfcomm_sock_recvmsg), or the packet was empty.
		if !hungUp(fd) {
			return again
		}
	case passing(err):
		s.read.err = os.NewSyscallError("read", err)
		return done
	}
	s.readLast(fd, err)
	return done
}

// readLast reads once more from a stream that has ended, since data may have
// come between the first look and the end. before is what that look gave.
func (s *Socket) readLast(fd uintptr, before error) {
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
		return
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
}

// readError is how Read reports the end of the stream.
func readError(end error) error {
	if end == io.EOF || end == unix.ECONNRESET {
		return io.EOF
	}
	return os.NewSyscallError("read", end)
}
