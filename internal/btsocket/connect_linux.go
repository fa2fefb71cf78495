package btsocket

import (
	"cmp"
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An Endpoint describes a new socket.
type Endpoint struct {
	Kind     int           // unix.SOCK_STREAM or unix.SOCK_SEQPACKET
	Protocol int           // unix.BTPROTO_RFCOMM or unix.BTPROTO_L2CAP
	Local    unix.Sockaddr // to bind to; nil: none

	// Setup is called with the new socket before it is bound. It may be nil.
	Setup func(fd int) error

	// Connecting is called right before connect(2). No other Connect of this
	// process calls connect(2) meanwhile. It may be nil.
	Connecting func(ctx context.Context) error

	// Abandoned, if not nil, takes over the socket of a Connect that ctx ended
	// while the kernel was connecting it. By default the socket is closed.
	Abandoned func(*Socket)

	// Bound is called after the new socket is bound. It may be nil.
	Bound func() error
}

// prepare returns a new socket, set up and bound.
func (e *Endpoint) prepare(ctx context.Context) (int, error) {
	fd, err := NewSocket(e.Kind, e.Protocol)
	if err != nil {
		return -1, err
	}
	if e.Setup != nil {
		if err := e.Setup(fd); err != nil {
			closeBriefly(ctx, fd)
			return -1, err
		}
	}
	if e.Local != nil {
		if err := unix.Bind(fd, e.Local); err != nil {
			closeBriefly(ctx, fd)
			return -1, os.NewSyscallError("bind", err)
		}
	}
	if e.Bound != nil {
		if err := e.Bound(); err != nil {
			closeBriefly(ctx, fd)
			return -1, err
		}
	}
	return fd, nil
}

// Connect connects a new socket to remote. It returns ctx.Err() as soon as ctx
// is done, also while connect(2) or close(2) is stuck; these calls end on
// goroutines of their own.
func Connect(ctx context.Context, local Endpoint, remote unix.Sockaddr) (*Socket, error) {
	fd, err := local.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if err := local.startConnect(ctx, fd, remote); err != nil {
		return nil, err
	}
	// Not before: a socket that is not connecting yet polls as writable.
	s, err := New(fd)
	if err != nil {
		return nil, err
	}
	if err := s.finishConnect(ctx, local.Abandoned); err != nil {
		return nil, err
	}
	return s, nil
}

// finishConnect waits until the socket is connected. If it fails, it closes the
// socket, or gives it to abandoned if ctx is done and abandoned is not nil.
func (s *Socket) finishConnect(ctx context.Context, abandoned func(*Socket)) error {
	err := s.awaitConnected(ctx)
	switch {
	case err == nil:
	case abandoned != nil && err == ctx.Err():
		s.file.SetWriteDeadline(time.Time{})
		abandoned(s)
	default:
		s.CloseContext(ctx)
	}
	return err
}

// AwaitConnected waits until the kernel has connected an abandoned socket or
// has given up, or until the socket is closed.
func (s *Socket) AwaitConnected() error { return s.awaitConnected(context.Background()) }

// connectSlot is taken during connect(2), so that this process makes one call at
// a time. Two calls at once, without an RFCOMM session to the device, both
// request the link (rfcomm_dlc_open, since 6.12.118), and if the second does so
// while the first request leaves the kernel's queue, the controller refuses the
// second and the kernel drops the link (EALREADY). A call does not wait for the
// link, and if one is stuck behind rfcomm_mutex, so is any other.
var connectSlot = make(chan struct{}, 1)

func takeConnectSlot(ctx context.Context) error {
	select {
	case connectSlot <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select picks at random
		releaseConnectSlot()
		return err
	}
	return nil
}

func releaseConnectSlot() { <-connectSlot }

// startConnect calls connect(2). If it fails, fd is closed or will be.
func (e *Endpoint) startConnect(ctx context.Context, fd int, remote unix.Sockaddr) error {
	if err := e.beginConnect(ctx); err != nil {
		closeBriefly(ctx, fd)
		return err
	}
	done := make(chan error) // not buffered: one of the two takes the end
	go func() {
		err := unix.Connect(fd, remote)
		releaseConnectSlot()
		select {
		case done <- err:
		case <-ctx.Done():
			e.abandon(fd, err)
		}
	}()
	select {
	case err := <-done:
		if connects(err) {
			return nil
		}
		closeBriefly(ctx, fd)
		return os.NewSyscallError("connect", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beginConnect takes the connectSlot, which it keeps unless it fails.
func (e *Endpoint) beginConnect(ctx context.Context) error {
	if err := takeConnectSlot(ctx); err != nil {
		return err
	}
	if e.Connecting == nil {
		return nil
	}
	err := e.Connecting(ctx)
	if err != nil {
		releaseConnectSlot()
	}
	return err
}

// connects reports whether the kernel connects a socket after connect(2)
// returned err. The socket's state shows the result.
func connects(err error) bool {
	switch err {
	case nil, unix.EINPROGRESS, unix.EINTR, unix.EALREADY:
		return true
	}
	return false
}

// abandon disposes of a socket for which connect(2) returned err after ctx was
// done.
func (e *Endpoint) abandon(fd int, err error) {
	if e.Abandoned == nil || !connects(err) {
		unix.Close(fd)
		return
	}
	if s, err := New(fd); err == nil {
		e.Abandoned(s)
	}
}

// awaitConnected waits until the socket is connected or has failed.
func (s *Socket) awaitConnected(ctx context.Context) error {
	wake := context.AfterFunc(ctx, func() { s.file.SetWriteDeadline(aLongTimeAgo) })
	var result error
	err := s.raw.Write(func(fd uintptr) (done bool) {
		done, result = connectResult(fd)
		return done
	})
	if !wake() {
		return ctx.Err()
	}
	if err != nil {
		return s.pollError(err)
	}
	return result
}

// connectResult reports whether a connect has come to its end, and returns its
// error. While the socket connects, poll(2) shows nothing. getpeername(2) alone
// proves nothing, since it succeeds by then (rfcomm_sock_getname).
func connectResult(fd uintptr) (done bool, err error) {
	events := PollEvents(fd, unix.POLLOUT)
	if events&(unix.POLLOUT|unix.POLLERR|unix.POLLHUP) == 0 {
		return false, nil
	}
	if err := connectError(fd); err != nil {
		return true, err
	}
	if events&(unix.POLLERR|unix.POLLHUP) != 0 {
		return true, os.NewSyscallError("connect", noErrno)
	}
	switch _, err := unix.Getpeername(int(fd)); err {
	case nil:
		return true, nil
	case unix.ENOTCONN: // it has ended since poll(2)
		return true, cmp.Or(connectError(fd), os.NewSyscallError("connect", noErrno))
	default:
		return true, os.NewSyscallError("getpeername", err)
	}
}

// connectError returns the error that the kernel has for the socket, if any.
func connectError(fd uintptr) error {
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return os.NewSyscallError("getsockopt", err)
	case errno != 0:
		return os.NewSyscallError("connect", unix.Errno(errno))
	}
	return nil
}
