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

// errInterrupted is the cause that cancels a Shutdown interrupted by Close.
var errInterrupted = errors.New("interrupted by Close")

// Shutdown closes the socket after the peer's stack has acknowledged the
// written data. It returns nil only if that has happened. The socket is closed
// in every case. Shutdown returns as soon as ctx is done, even while
// shutdown(2) or close(2) is stuck.
//
// link returns the handle of the link that the connection runs over, or an
// error that matches ENOTCONN if there is none. Shutdown calls it before and
// after the disconnect: when a busy link is lost, the kernel can lose the
// errno, and the socket then looks as it does after an acknowledged disconnect.
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

// confirm waits until all queued data has been sent, disconnects, and waits for
// the answer.
//
// The disconnect is the last step because the kernel gives up 40 s after it was
// queued behind data, even if that data is being sent (__rfcomm_dlc_disconn).
func (s *Socket) confirm(ctx context.Context, link func() (uint16, error)) error {
	if err := s.drained(ctx); err != nil {
		return err
	}
	// The lookup of the link can be stuck, too: for the list of links, the
	// kernel takes hci_dev_lock (hci_get_conn_list).
	before, linkErr := Await(ctx, link)
	if err := s.stillConnected(); err != nil {
		return err
	}
	if linkErr != nil {
		return linkError(linkErr, noErrno)
	}
	for _, step := range []func(context.Context) error{s.awaitSent, s.shutdown, s.awaitDisconnected} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	after, err := Await(ctx, link)
	if err != nil {
		return linkError(err, ErrUnconfirmed)
	}
	if after != before {
		return shutdownError(ErrUnconfirmed)
	}
	return nil
}

// stillConnected returns nil, or the error of Shutdown for a connection that
// has ended.
func (s *Socket) stillConnected() error {
	var err error
	if controlErr := s.raw.Control(func(fd uintptr) { err = s.ending(fd) }); controlErr != nil {
		return controlErr
	}
	return err
}

// ending returns the error of Shutdown for a connection that ended before this
// end's disconnect, or nil.
func (s *Socket) ending(fd uintptr) error {
	if end := s.ended(); end != nil {
		return shutdownError(end)
	}
	ended, err := disconnected(fd)
	if !ended {
		return nil
	}
	return cmp.Or(err, shutdownError(noErrno))
}

// drained waits until every call that beginClose has woken is over. Until then,
// the deadline that wakes them must not be changed.
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

// lookAgain is the interval at which awaitSent looks at the queue without being
// woken. A frame that leaves the send buffer more than half full does not wake
// the poller (sock_writeable).
const lookAgain = 100 * time.Millisecond

// awaitSent waits until the send queue is empty. It fails with ETIMEDOUT if the
// peer takes no data for stallLimit.
func (s *Socket) awaitSent(ctx context.Context) error {
	wake := context.AfterFunc(ctx, func() { s.file.SetWriteDeadline(aLongTimeAgo) })
	defer wake()
	stalled := stall{limit: s.stallLimit}
	for {
		s.file.SetWriteDeadline(time.Now().Add(lookAgain))
		if err := ctx.Err(); err != nil {
			return err // the deadline may have replaced the one that wake set
		}
		var done bool
		var result error
		err := s.raw.Write(func(fd uintptr) bool {
			done, result = s.sent(fd, &stalled)
			return done
		})
		switch {
		case done:
			return result
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return s.pollError(err)
		}
	}
}

// sent reports whether awaitSent is over, and its error.
func (s *Socket) sent(fd uintptr, stalled *stall) (done bool, err error) {
	queued, err := sendQueued(fd)
	if err != nil {
		return true, err
	}
	// The queue must be read first: the end of the stream empties the queue
	// too, and is visible before the queue is empty (__rfcomm_dlc_close).
	if err := s.ending(fd); err != nil {
		return true, err
	}
	if stalled.over(queued, time.Now()) && queued > 0 {
		return true, shutdownError(unix.ETIMEDOUT)
	}
	return queued == 0, nil
}

// shutdown calls shutdown(2). If the call is stuck until ctx is done, shutdown
// leaves it behind.
func (s *Socket) shutdown(ctx context.Context) error {
	_, err := Await(ctx, func() (struct{}, error) {
		var err error
		controlErr := s.raw.Control(func(fd uintptr) {
			err = os.NewSyscallError("shutdown", unix.Shutdown(int(fd), unix.SHUT_RDWR))
		})
		return struct{}{}, cmp.Or(controlErr, err)
	})
	return err
}

// awaitDisconnected waits until the connection is closed on both sides. If the
// connection ended for another reason, it returns the errno, if the kernel has
// one.
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

// disconnected reports whether the connection is closed on both sides, and
// returns the errno if the cause was not this end's disconnect and the answer
// to it. Until the answer, an RFCOMM socket counts as connected
// (rfcomm_sock_getname).
func disconnected(fd uintptr) (bool, error) {
	switch _, err := unix.Getpeername(int(fd)); err {
	case nil:
		return false, nil
	case unix.ENOTCONN:
	default:
		return true, os.NewSyscallError("getpeername", err)
	}
	if disconnecting(int(fd)) {
		return false, nil
	}
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return true, os.NewSyscallError("shutdown", err)
}

// btSecurity is BT_SECURITY of include/net/bluetooth/bluetooth.h.
const btSecurity = 4

// disconnecting reports whether an L2CAP socket without a peer still waits for
// the answer to its disconnect. poll(2), getpeername(2) and SO_ERROR show no
// difference between that state and the closed state. But setting BT_SECURITY
// fails with EINVAL while the channel has a link and is not connected, and
// succeeds once it has none (l2cap_sock_setsockopt). The level matters in
// neither case.
func disconnecting(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil || domain != unix.AF_BLUETOOTH {
		return false
	}
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil || protocol != unix.BTPROTO_L2CAP {
		return false
	}
	const low = "\x01\x00" // struct bt_security: the level BT_SECURITY_LOW, and any key size
	return unix.SetsockoptString(fd, unix.SOL_BLUETOOTH, btSecurity, low) == unix.EINVAL
}

// shutdownError returns the error of Shutdown for a connection that ended
// before the peer confirmed the disconnect.
func shutdownError(end error) error {
	if end == io.EOF {
		end = unix.ECONNRESET // the peer closed first
	}
	return os.NewSyscallError("shutdown", end)
}

// linkError returns the error of Shutdown for an error of its link function.
// missing stands for the absence of the link.
func linkError(err, missing error) error {
	if errors.Is(err, unix.ENOTCONN) {
		return shutdownError(missing)
	}
	return err
}
