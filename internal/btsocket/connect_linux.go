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
	Local    unix.Sockaddr // to bind to; if nil, the socket is not bound

	// Setup is called with the new socket before it is bound. It may be nil.
	Setup func(fd int) error

	// Connecting is called right before connect(2). It may be nil. While it
	// runs, no other Connect of this process calls connect(2).
	Connecting func(ctx context.Context) error

	// Abandoned takes ownership of the socket if ctx ends a Connect while the
	// kernel is connecting it. If nil, Connect closes the socket.
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
// is done, even while connect(2) or close(2) is stuck: these calls end on
// goroutines of their own.
func Connect(ctx context.Context, local Endpoint, remote unix.Sockaddr) (*Socket, error) {
	fd, err := local.prepare(ctx)
	if err != nil {
		return nil, err
	}
	if err := local.startConnect(ctx, fd, remote); err != nil {
		return nil, err
	}
	// Not earlier: until connect(2), a socket polls as writable.
	s, err := New(fd)
	if err != nil {
		return nil, err
	}
	if err := s.finishConnect(ctx, local.Abandoned); err != nil {
		return nil, err
	}
	return s, nil
}

// finishConnect waits until the socket is connected. On failure it closes the
// socket. But if ctx is done and abandoned is not nil, it passes the socket to
// abandoned instead.
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

// AwaitConnected waits until the kernel has connected an abandoned socket,
// until the kernel has given up, or until the socket is closed.
func (s *Socket) AwaitConnected() error { return s.awaitConnected(context.Background()) }

// connectSlot is held during connect(2), so that this process makes one such
// call at a time. Two concurrent calls without an RFCOMM session to the device
// both request the link (rfcomm_dlc_open, since 6.12.118). If the second
// request is made while the first leaves the kernel's queue, the controller
// refuses the second, and the kernel drops the link (EALREADY).
//
// The slot delays no call for long: connect(2) does not wait for the link, and
// if one call is stuck behind rfcomm_mutex, so is any other.
var connectSlot = make(chan struct{}, 1)

func takeConnectSlot(ctx context.Context) error {
	select {
	case connectSlot <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil { // select chooses at random
		releaseConnectSlot()
		return err
	}
	return nil
}

func releaseConnectSlot() { <-connectSlot }

// startConnect calls connect(2). If it fails, it has closed fd. But if ctx is
// done first, a goroutine disposes of fd once connect(2) has returned; see
// abandon.
func (e *Endpoint) startConnect(ctx context.Context, fd int, remote unix.Sockaddr) error {
	if err := e.beginConnect(ctx); err != nil {
		closeBriefly(ctx, fd)
		return err
	}
	done := make(chan error) // not buffered: either startConnect or the goroutine handles the result
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

// beginConnect takes the connectSlot. If it fails, it releases the slot.
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

// connects reports whether the kernel connects a socket for which connect(2)
// returned err. If so, the socket's state shows the result.
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

// connectResult reports whether a connect is over, and returns its error. While
// the socket connects, poll(2) shows no events. getpeername(2) alone proves
// nothing, since it succeeds while the socket connects (rfcomm_sock_getname).
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
	case unix.ENOTCONN: // the connection has ended since poll(2)
		return true, cmp.Or(connectError(fd), os.NewSyscallError("connect", noErrno))
	default:
		return true, os.NewSyscallError("getpeername", err)
	}
}

// connectError returns the pending error of the socket (SO_ERROR), or nil.
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
