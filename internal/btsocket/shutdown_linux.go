package btsocket

import (
	"cmp"
	"context"
	"errors"
	"io"
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
// link returns the handle of the link that the stream runs over, or an error
// that matches ENOTCONN when there is none. It is called before and after: when
// a busy link is lost the kernel can forget the errno, and the socket then looks
// just as after an acknowledged close.
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
	s.giveUp(ctx)
	if err != nil && context.Cause(ctx) == errInterrupted {
		return net.ErrClosed
	}
	return err
}

// confirm sends what is queued and the disconnect after it, and waits for the
// answer.
func (s *Socket) confirm(ctx context.Context, link func() (uint16, error)) error {
	if err := s.drained(ctx); err != nil {
		return err
	}
	before, linkErr := link()
	var ended bool
	var endErr error
	if err := s.raw.Control(func(fd uintptr) { ended, endErr = disconnected(fd) }); err != nil {
		return err
	}
	if end := s.ended(); end != nil {
		return shutdownError(end)
	}
	if ended {
		return cmp.Or(endErr, shutdownError(noErrno))
	}
	if linkErr != nil {
		return linkError(linkErr)
	}
	if err := s.shutdown(ctx); err != nil {
		return err
	}
	if err := s.awaitDisconnected(ctx); err != nil {
		return err
	}
	after, err := link()
	if err != nil {
		return linkError(err)
	}
	if after != before {
		return shutdownError(noErrno)
	}
	return nil
}

// drained waits until every call that beginClose has woken is over. Until then
// the deadline that wakes them must stand.
func (s *Socket) drained(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		drain(&s.readMu, &s.writeMu)
		s.rawUse.Wait()
		close(done)
	}()
	select {
	case <-done:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// shutdown calls shutdown(2), which can be stuck: then it is left behind.
func (s *Socket) shutdown(ctx context.Context) error {
	done := make(chan error, 1)
	go func() {
		var err error
		controlErr := s.raw.Control(func(fd uintptr) {
			err = os.NewSyscallError("shutdown", unix.Shutdown(int(fd), unix.SHUT_RDWR))
		})
		done <- cmp.Or(controlErr, err)
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
		done, result = disconnected(fd)
		return done
	})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return s.pollError(err)
	}
	return result
}

// disconnected reports whether the stream is closed on both sides, and the
// errno if it came to that otherwise than by this end's disconnect and the
// answer to it. Until the answer the socket counts as connected
// (rfcomm_sock_getname).
func disconnected(fd uintptr) (bool, error) {
	switch _, err := unix.Getpeername(int(fd)); err {
	case nil:
		return false, nil
	case unix.ENOTCONN:
	default:
		return true, os.NewSyscallError("getpeername", err)
	}
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return true, os.NewSyscallError("shutdown", err)
}

// shutdownError is how Shutdown reports that the stream ended otherwise.
func shutdownError(end error) error {
	if end == io.EOF {
		end = unix.ECONNRESET // the other end was first
	}
	return os.NewSyscallError("shutdown", end)
}

// linkError is how Shutdown reports that the link cannot be found any more.
func linkError(err error) error {
	if errors.Is(err, unix.ENOTCONN) {
		return shutdownError(noErrno)
	}
	return err
}
