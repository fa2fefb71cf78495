package btsocket

import (
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Read reads received data into p. It waits until there is data. After all
// data, Read returns the end of the connection, and repeats it: io.EOF if the
// peer closed, which the kernel reports as ECONNRESET; otherwise the errno, or
// ECONNABORTED if the kernel gave none.
//
// From a socket for packets, Read reads one packet. The count of an empty
// packet is 0, with a nil error. If the packet is longer than p, Read fills p
// and returns EMSGSIZE; the rest of the packet is lost, and the next Read
// returns the next packet. A packet that is silently cut short would pass for a
// whole one.
//
// A Read into an empty p returns 0 and leaves the data.
func (s *Socket) Read(p []byte) (int, error) {
	s.readMu.Lock()
	defer s.readMu.Unlock()
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil // also after the deadline, as in package net
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
// next Read is also expected to wait. One Read would not be enough: if each
// message is read in two parts, the first Read waits and the second does not.
const untilWaiting = 2

// readStep is called by the poller: immediately, and then whenever the socket
// may have become readable. It reports whether the Read is done.
func (s *Socket) readStep(fd uintptr) (done bool) {
	// To find no data takes recv(2) and poll(2). If no data is expected,
	// poll(2) alone is enough: with both calls, BenchmarkPingPong takes 1.12 to
	// 1.17 times as long as with a net.UnixConn, with one call 1.0 times.
	expected := s.waits == untilWaiting && !s.read.waited
	if !expected || !s.idle(fd) {
		n, arrived, err := s.receive(fd)
		done = s.judge(fd, n, arrived, err)
	}
	s.read.waited = s.read.waited || !done
	return done
}

// idle reports whether no data is queued and the connection has not ended.
func (s *Socket) idle(fd uintptr) bool {
	return s.ended() == nil && PollEvents(fd, unix.POLLIN|unix.POLLRDHUP) == 0
}

// receive receives into s.read.rest. arrived reports whether it received data,
// or a packet, which may be empty.
//
// The first recv(2) accepts a connection whose listener has BT_DEFER_SETUP, and
// returns 0 bytes (rfcomm_sock_recvmsg). It can block, because it sends frames.
// If the peer has hung up before, Linux 6.1 dereferences a null pointer in it
// (rfcomm_dlc_accept), and later kernels return 0 bytes before the errno. So
// receive skips that call if the stream has ended with nothing queued, as it
// has on each such connection (rfcomm_recv_data). A peer that hangs up between
// poll(2) and recv(2) still crashes Linux 6.1.
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
// A connection that has ended may still hold data: data and the end may arrive
// after an empty receive, a concurrent Write may have consumed the errno, and
// sockets for packets report the errno before the data
// (__skb_try_recv_datagram), even as 0 bytes (bt_sock_recvmsg). Only a receive
// that began after the end, and for packets the second one, is the last. Likewise,
// waiting for the poller is safe only after a look at the state: the edge that
// announced the end may have been consumed before this Read began.
func (s *Socket) judge(fd uintptr, n int, arrived bool, err error) (done bool) {
	last := 1
	if s.packets != nil {
		last = 2
	}
	for ended := 0; ; n, arrived, err = s.receive(fd) { // counts the receives after the end
		switch {
		case arrived:
			s.read.n, s.read.err = n, os.NewSyscallError("read", err)
			return true
		case err == unix.EINTR:
		case err != unix.EAGAIN && passing(err):
			s.read.err = os.NewSyscallError("read", err)
			return true
		case ended == last:
			s.read.err = s.endOfRead(err)
			return true
		case s.hasEnded(fd, err):
			ended++
		case err == unix.EAGAIN:
			return false
		default:
			// Nothing was read, but this is not the end: the kernel has
			// accepted a connection with BT_DEFER_SETUP.
		}
	}
}

// hasEnded reports whether the connection has ended, after a receive that found
// no data and returned err.
func (s *Socket) hasEnded(fd uintptr, err error) bool {
	if err != nil && err != unix.EAGAIN {
		s.record(err)
		return true
	}
	return s.ended() != nil || hungUp(fd)
}

// endOfRead returns the error of a Read whose last receive found no data and
// returned err.
func (s *Socket) endOfRead(err error) error {
	if end := endOf(err); end != nil {
		s.record(end)
	}
	if s.ended() == nil {
		// A concurrent Write may have taken the errno and not recorded it yet.
		// It is about to return: the end has woken it.
		drain(&s.writeMu)
		s.record(noErrno)
	}
	return readError(s.ended())
}

// readError returns the error by which Read reports the end of the connection.
func readError(end error) error {
	if end == io.EOF || end == unix.ECONNRESET {
		return io.EOF
	}
	return os.NewSyscallError("read", end)
}
