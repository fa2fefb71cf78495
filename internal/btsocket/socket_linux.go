package btsocket

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Socket is one end of a connection that transfers a stream or packets. Its
// methods may be called from several goroutines at once.
type Socket struct {
	descriptor

	packets *packets // nil for a stream

	readMu   sync.Mutex // held by Read from start to end
	read     transfer
	received bool // recv(2) has been called
	waits    int  // the number of Reads in a row that had to wait, at most untilWaiting

	writeMu  sync.Mutex // held by Write from start to end
	write    transfer
	wrote    bool    // the kernel has taken data
	full     bool    // the send buffer was full, and the kernel has taken no data since
	writeEnd error   // the error of Write after the end of the connection
	chunker  Chunker // if nil, Write passes all remaining data to write(2)

	endMu sync.Mutex
	end   error // how the connection ended: io.EOF or a syscall.Errno; nil if no end is known

	stallLimit time.Duration // see the constant

	endsForAll atomic.Bool // see EndForAll

	interrupt context.CancelCauseFunc // ends the pending Shutdown; nil if there is none; under mu
	released  chan error              // receives the error of close(2) once, and is then closed
}

// A transfer is the state of the current Read or Write. The Socket holds it and
// the function that the poller calls, so that no Read or Write allocates.
type transfer struct {
	step   func(fd uintptr) (done bool)
	rest   []byte
	n      int
	err    error
	waited bool // a Read has found no data
}

// New returns a Socket for the connected, non-blocking socket fd. It takes
// ownership of fd, even if it fails.
func New(fd int) (*Socket, error) {
	s := &Socket{released: make(chan error, 1), stallLimit: stallLimit}
	if err := s.open(fd); err != nil {
		return nil, err
	}
	packets, err := newPackets(fd)
	if err != nil {
		go s.file.Close() // it can be stuck
		return nil, err
	}
	s.packets = packets
	s.read.step = s.readStep
	s.write.step = s.writeStep
	if packets != nil {
		s.write.step = s.writePacketStep
	}
	s.forgotten = closeWhenForgotten(s, s.file, nil)
	return s, nil
}

// Close wakes every pending call and closes the descriptor. The kernel still
// sends the written data. Close waits for close(2) at most 100 ms; a stuck
// close(2) ends on its own.
func (s *Socket) Close() error { return s.CloseContext(context.Background()) }

// CloseContext is like Close, but also stops waiting when ctx is done.
func (s *Socket) CloseContext(ctx context.Context) error {
	s.mu.Lock()
	first := s.beginClose()
	interrupt := s.interrupt
	s.interrupt = nil
	s.mu.Unlock()

	switch {
	case first:
		return s.giveUp(ctx)
	case interrupt != nil: // the first Close during a Shutdown
		interrupt(errInterrupted)
		return waitBriefly(ctx, s.released)
	}
	return net.ErrClosed
}

// EndForAll makes Close end the connection for all duplicates of the
// descriptor, those of other processes included. So does the garbage collector,
// and a Shutdown whose context ends early.
//
// close(2) alone leaves the connection open while another duplicate exists.
// shutdown(2) ends it for all of them, and like close(2) it still lets the
// kernel send the written data (rfcomm_sock_shutdown, which is also a part of
// rfcomm_sock_release).
func (s *Socket) EndForAll() {
	s.endsForAll.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return
	}
	s.forgotten.Stop()
	s.forgotten = closeWhenForgotten(s, s.file, endConnection)
}

// endConnection calls shutdown(2) on the socket in file.
func endConnection(file *os.File) {
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_RDWR) })
}

// End ends the connection for all duplicates of the descriptor, but leaves the
// Socket open: Read returns the received data and then io.EOF. It calls
// shutdown(2), which can be stuck. After Close, it does nothing.
func (s *Socket) End() {
	s.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RDWR) })
}

// giveUp closes the descriptor after beginClose. It waits for the result as
// CloseContext does.
func (s *Socket) giveUp(ctx context.Context) error {
	s.startRelease(s.released, func() {
		if s.endsForAll.Load() {
			endConnection(s.file)
		}
	}, &s.readMu, &s.writeMu)
	return waitBriefly(ctx, s.released)
}

// ended returns how the connection ended, or nil if no end is known.
func (s *Socket) ended() error {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	return s.end
}

// record records how the connection ended, unless an end is recorded already.
func (s *Socket) record(end error) {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	if s.end == nil {
		s.end = end
	}
}

// passing reports whether an error of read(2) or write(2) does not end the
// connection.
func passing(err error) bool {
	switch err {
	case unix.EAGAIN, unix.EINTR, unix.ENOMEM, unix.ENOBUFS, unix.EFAULT, unix.EINVAL, unix.EMSGSIZE, unix.EBADF:
		return true
	}
	return false
}

// endOf returns the end of the connection that the error of a read(2) without
// data stands for, or nil.
func endOf(err error) error {
	switch {
	case err == nil:
		return io.EOF
	case passing(err):
		return nil
	}
	return err
}

// noErrno is recorded for an end for which the kernel gave no errno.
const noErrno = syscall.ECONNABORTED
