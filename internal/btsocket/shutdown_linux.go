package btsocket

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errInterrupted is the cause of the end of a Shutdown that Close interrupts.
var errInterrupted = errors.New("interrupted by Close")

// Shutdown closes the socket after the other end's stack has acknowledged what
// was written. It returns nil only if it has; the socket is closed in every
// case.
//
// link returns the handle of the link that the stream runs over. It is called
// before and after: when a busy link is lost the kernel can forget the errno,
// and the socket then looks just as after an acknowledged close.
func (s *Socket) Shutdown(ctx context.Context, link func() (handle uint16, err error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	s.mu.Lock()
	first := s.beginClose()
	if first {
		s.interrupt = cancel
	}
	s.mu.Unlock()
	if !first {
		return net.ErrClosed
	}

	err := s.confirm(ctx, link)

	s.mu.Lock()
	s.interrupt = nil
	s.mu.Unlock()
	s.giveUp()
	if err != nil && context.Cause(ctx) == errInterrupted {
		return net.ErrClosed
	}
	return err
}

// confirm sends what is queued and the disconnect after it, and waits for the
// answer.
func (s *Socket) confirm(ctx context.Context, link func() (uint16, error)) error {
	drain(&s.readMu, &s.writeMu)
	if end := s.ended(); end != nil {
		return shutdownError(end)
	}
	before, err := link()
	if err != nil {
		return err
	}
	if err := s.shutdown(ctx); err != nil {
		return err
	}
	if err := s.awaitDisconnected(ctx); err != nil {
		return err
	}
	after, err := link()
	if err != nil {
		return err
	}
	if after != before {
		return shutdownError(noErrno)
	}
	return nil
}

// shutdown calls shutdown(2), which can be stuck: then it is left behind.
func (s *Socket) shutdown(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		err := s.raw.Control(func(fd uintptr) {
			done <- os.NewSyscallError("shutdown", unix.Shutdown(int(fd), unix.SHUT_RDWR))
		})
		if err != nil {
			done <- err
		}
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitDisconnected waits until the stream is closed on both sides. Of a
// stream that ended otherwise it returns the errno, if the kernel has one.
func (s *Socket) awaitDisconnected(ctx context.Context) error {
	s.file.SetWriteDeadline(time.Time{}) // beginClose set one
	wake := context.AfterFunc(ctx, func() { s.file.SetWriteDeadline(aLongTimeAgo) })
	defer wake()
	var result error
	err := s.raw.Write(func(fd uintptr) (done bool) {
		// The socket counts as connected until the answer has come
		// (rfcomm_sock_getname).
		if _, err := unix.Getpeername(int(fd)); err == nil {
			return false
		} else if err != unix.ENOTCONN {
			result = os.NewSyscallError("getpeername", err)
			return true
		}
		errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && errno != 0 {
			err = unix.Errno(errno)
		}
		result = os.NewSyscallError("shutdown", err)
		return true
	})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.pollError(err)
	}
	return result
}

// shutdownError is how Shutdown reports that the stream ended otherwise.
func shutdownError(end error) error {
	if errno, ok := end.(unix.Errno); ok {
		return os.NewSyscallError("shutdown", errno)
	}
	return os.NewSyscallError("shutdown", unix.ECONNRESET) // io.EOF: the other end was first
}
