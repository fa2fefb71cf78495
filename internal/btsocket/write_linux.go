package btsocket

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// SetChunker makes Write split the data of a stream as c decides. By default,
// Write passes all remaining data to each write(2). Packets are never split.
func (s *Socket) SetChunker(c Chunker) {
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	s.chunker = c
}

// Write writes p and returns the number of bytes that the kernel took. The
// number is less than len(p) only if the connection ends, the deadline passes,
// or the socket is closed. The bytes of concurrent Writes do not mix. Write
// does not pass an empty p to the kernel, where it would cost an RFCOMM
// connection a credit that never returns.
//
// On a socket for packets, Write sends p as one packet, even if p is empty. The
// kernel takes all of it or nothing. A packet longer than the peer's MTU fails
// with EMSGSIZE, and a packet that does not fit into an empty send buffer fails
// with ENOBUFS; the connection continues.
func (s *Socket) Write(p []byte) (int, error) {
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	if s.writeEnd != nil {
		return 0, s.writeEnd
	}
	s.write.rest, s.write.n, s.write.err = p, 0, nil
	if s.packets != nil {
		s.packets.refused = 0
	}
	err := s.raw.Write(s.write.step)
	s.write.rest = nil
	if err != nil {
		return s.write.n, s.pollError(err)
	}
	return s.write.n, s.write.err
}

// writeStep is called by the poller like readStep. It writes until the kernel
// takes no more data.
func (s *Socket) writeStep(fd uintptr) (done bool) {
	for len(s.write.rest) > 0 {
		if s.closed.Load() {
			s.write.err = net.ErrClosed
			return true
		}
		chunk := len(s.write.rest)
		if s.chunker != nil {
			chunk = s.chunker.Next(chunk, s.write.n == 0)
		}
		n, err := send(fd, s.write.rest[:chunk])
		switch {
		case n > 0:
			if n < chunk && s.chunker != nil {
				s.chunker.Partial(n)
			}
			s.write.n += n
			s.wrote, s.full = true, false
			s.write.rest = s.write.rest[n:]
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			if !s.full && s.chunker != nil {
				s.chunker.Full()
			}
			s.full = true
			return false
		case err == nil:
			s.write.err = io.ErrUnexpectedEOF
			return true
		default:
			s.write.err = s.writeFailed(fd, err)
			return true
		}
	}
	return true
}

// writeFailed returns the error of Write for a failed write(2). It records the
// errno if the connection has ended.
func (s *Socket) writeFailed(fd uintptr, err error) error {
	switch {
	case passing(err):
		return os.NewSyscallError("write", err)
	case err == unix.ENOTCONN:
		// The connection has ended, and a Read may have recorded the errno. But
		// a connection with BT_DEFER_SETUP that was not accepted yet has not
		// ended.
		if !s.wrote && !hungUp(fd) {
			return os.NewSyscallError("write", err)
		}
		if errno, ok := s.ended().(syscall.Errno); ok {
			err = errno
		}
	case err == unix.EPIPE:
		// This end was shut down, but received data may remain to be read.
	default:
		s.record(err)
	}
	s.writeEnd = os.NewSyscallError("write", err)
	return s.writeEnd
}
