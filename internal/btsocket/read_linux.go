package btsocket

import (
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Read reads received data into p, and waits until there is some. Read returns
// the end of the stream after all data, and again on every later call: io.EOF if the peer closed, which the kernel reports as ECONNRESET; otherwise
// the errno, or ECONNABORTED if the kernel gave none.
func (s *Socket) Read(p []byte) (int, error) {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil // whatever the deadline, as package net does
	}
	s.read.rest, s.read.n, s.read.err, s.read.waited = p, 0, nil, false
	err := s.raw.Read(s.read.step)
	s.read.rest = nil
	if s.read.waited {
		s.waits = min(s.waits+1, untilWaiting)
	} else {
		s.waits = 0
	}
	if err != nil {
		return 0, s.pollError(err)
	}
	return s.read.n, s.read.err
}

// untilWaiting is the number of Reads in a row that have to wait before the
// next Read is expected to wait, too. One Read would not do: if each message is
// read in two parts, the first Read waits and the second does not.
const untilWaiting = 2

// readStep is called by the poller, first at once and then whenever the socket
// may have become readable. It reports whether the Read is done.
func (s *Socket) readStep(fd uintptr) (done bool) {
	// To find nothing takes recv(2) and poll(2). Where that is expected, poll(2)
	// alone will do: with both, BenchmarkPingPong takes 1.12 to 1.17 times as
	// long as with a net.UnixConn, without 1.0.
	expected := s.waits == untilWaiting && !s.read.waited
	if !expected || !s.idle(fd) {
		n, arrived, err := s.receive(fd)
		done = s.judge(fd, n, arrived, err)
	}
	s.read.waited = s.read.waited || !done
	return done
}

// idle reports whether nothing is queued and the stream has not ended.
func (s *Socket) idle(fd uintptr) bool {
	return s.ended() == nil && PollEvents(fd, unix.POLLIN|unix.POLLRDHUP) == 0
}

// receive receives into s.read.rest.
//
// The first receive accepts a connection whose listener has BT_DEFER_SETUP, and
// returns 0 bytes (rfcomm_sock_recvmsg). It can block, because it sends frames.
// If the peer has hung up before, Linux 6.1 dereferences a null pointer in it
// (rfcomm_dlc_accept), and later kernels return 0 bytes before the errno. So it
// is left out if the stream has ended with nothing queued, as all such
// connections have (rfcomm_recv_data). A peer that hangs up between poll(2)
// and recv(2) still crashes Linux 6.1.
func (s *Socket) receive(fd uintptr) (n int, arrived bool, err error) {
	if s.packets != nil {
		return s.packets.receive(fd, s.read.rest)
	}
	first := !s.received
	if first {
		if ended, err := endedEmpty(fd); ended {
			return 0, false, err
		}
		s.received = true
	}
	n, err = receive(fd, s.read.rest, first)
	return n, n > 0, err
}

// judge handles the result of a receive. Only judge decides that there is no
// more data.
//
// A stream that has ended may still hold data: data and the end may arrive after
// an empty receive, and a concurrent Write may have consumed the errno. Only a
// receive that began when the stream had ended is the last. In the same way, waiting for the poller is safe only after a look at
// the state: the edge that announced the end may have been consumed before this
// Read began.
func (s *Socket) judge(fd uintptr, n int, arrived bool, err error) (done bool) {
	for ended := false; ; n, arrived, err = s.receive(fd) {
		switch {
		case arrived:
			s.read.n, s.read.err = n, os.NewSyscallError("read", err)
			return true
		case err == unix.EINTR:
		case err != unix.EAGAIN && passing(err):
			s.read.err = os.NewSyscallError("read", err)
			return true
		case ended:
			s.read.err = s.endOfRead(err)
			return true
		case s.hasEnded(fd, err):
			ended = true
		case err == unix.EAGAIN:
			return false
		default:
			// Nothing read, yet not the end: the kernel has accepted a
			// connection with BT_DEFER_SETUP, or the packet was empty.
		}
	}
}

// hasEnded reports whether the stream has ended, after a receive without data
// that returned err.
func (s *Socket) hasEnded(fd uintptr, err error) bool {
	if err != nil && err != unix.EAGAIN {
		s.record(err)
		return true
	}
	return s.ended() != nil || hungUp(fd)
}

// endOfRead returns the error of a Read whose last receive returned no data but
// err.
func (s *Socket) endOfRead(err error) error {
	if end := endOf(err); end != nil {
		s.record(end)
	}
	if s.ended() == nil {
		// A Write may have taken the errno and not recorded it yet. It cannot
		// wait any more: the end has woken it.
		drain(&s.writeMu)
		s.record(noErrno)
	}
	return readError(s.ended())
}

// readError returns the error by which Read reports the end of the stream.
func readError(end error) error {
	if end == io.EOF || end == unix.ECONNRESET {
		return io.EOF
	}
	return os.NewSyscallError("read", end)
}
