package btsocket

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Socket is one end of a connected stream. All its methods may be called
// from several goroutines at once.
type Socket struct {
	descriptor

	packets *packets // nil for a stream

	readMu   sync.Mutex // held by Read from start to end
	read     transfer
	received bool // recv(2) was called, at least once
	waits    int  // how many Reads in a row had to wait, up to untilWaiting

	writeMu  sync.Mutex // held by Write from start to end
	write    transfer
	wrote    bool    // something, at least once
	full     bool    // the send buffer was full, and nothing was written since
	writeEnd error   // what Write said when the stream ended for it
	chunker  Chunker // nil: Write passes on all that is left

	endMu sync.Mutex
	end   error // how the stream ended: io.EOF or a syscall.Errno; nil: not known to have ended

	stallLimit time.Duration // see the constant

	interrupt context.CancelCauseFunc // ends the Shutdown under way; nil: none is; under mu
	released  chan error              // gets the error of close(2), once, and is closed then
}

// A transfer is the state of the Read or Write under way. It lives in the
// Socket, as does the function that the poller calls, so that no call
// allocates.
type transfer struct {
	step   func(fd uintptr) (done bool)
	rest   []byte
	n      int
	err    error
	waited bool // a Read has found nothing
}

// New returns a Socket for the connected, non-blocking socket fd. It takes fd
// over, also when it fails.
func New(fd int) (*Socket, error) {
	s := &Socket{released: make(chan error, 1), stallLimit: stallLimit}
	if err := s.open(fd); err != nil {
		return nil, err
	}
	packets, err := newPackets(fd)
	if err != nil {
		go s.file.Close() // which can be stuck
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

// Close wakes every call that waits and closes the descriptor. What was
// written is still sent. It waits for close(2) for at most 100 ms, and leaves
// a stuck one to end on its own.
func (s *Socket) Close() error { return s.CloseContext(context.Background()) }

// CloseContext is Close, which waits no longer than until ctx is done.
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

// giveUp closes the descriptor, after beginClose, and waits for that like
// CloseContext.
func (s *Socket) giveUp(ctx context.Context) error {
	s.startRelease(s.released, nil, &s.readMu, &s.writeMu)
	return waitBriefly(ctx, s.released)
}

// ended returns how the stream ended, or nil.
func (s *Socket) ended() error {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	return s.end
}

// record keeps how the stream ended, unless that is known already.
func (s *Socket) record(end error) {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	if s.end == nil {
		s.end = end
	}
}

// passing reports whether an error of read(2) or write(2) leaves the stream as
// it was.
func passing(err error) bool {
	switch err {
	case unix.EAGAIN, unix.EINTR, unix.ENOMEM, unix.ENOBUFS, unix.EFAULT, unix.EINVAL, unix.EMSGSIZE, unix.EBADF:
		return true
	}
	return false
}

// endOf translates a result of read(2) that carried no data into the end of
// the stream that it tells of, or nil.
func endOf(err error) error {
	switch {
	case err == nil:
		return io.EOF
	case passing(err):
		return nil
	}
	return err
}

// noErrno stands for the end of a stream that the kernel gave no errno for.
const noErrno = syscall.ECONNABORTED
