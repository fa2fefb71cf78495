package btsocket

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A Listener accepts connections. Its methods may be called from several
// goroutines at once.
type Listener struct {
	descriptor

	acceptMu sync.Mutex // held by Accept from start to end
	accepted accepted

	shared atomic.Bool // the queue may have other users
}

// accepted is the result of the current Accept.
type accepted struct {
	fd   int
	peer unix.Sockaddr
	err  error
}

// Listen returns a Listener on a new socket.
func Listen(local Endpoint, backlog int) (*Listener, error) {
	fd, err := local.prepare(context.Background())
	if err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, backlog); err != nil {
		closeBriefly(context.Background(), fd)
		return nil, os.NewSyscallError("listen", err)
	}
	return NewListener(fd)
}

// NewListener returns a Listener for the listening, non-blocking socket fd. It
// takes ownership of fd, even if it fails.
func NewListener(fd int) (*Listener, error) {
	l := new(Listener)
	if err := l.open(fd); err != nil {
		return nil, err
	}
	l.forgotten = closeWhenForgotten(l, l.file, endListener)
	return l, nil
}

// Accept waits for the next connection and returns its Socket and the address
// of the peer.
func (l *Listener) Accept() (*Socket, unix.Sockaddr, error) {
	l.acceptMu.Lock()
	defer l.acceptMu.Unlock()
	if l.closed.Load() {
		return nil, nil, net.ErrClosed
	}
	if err := l.raw.Read(l.acceptStep); err != nil {
		return nil, nil, l.pollError(err)
	}
	if l.accepted.err != nil {
		return nil, nil, l.accepted.err
	}
	s, err := New(l.accepted.fd)
	if err != nil {
		return nil, nil, err
	}
	return s, l.accepted.peer, nil
}

func (l *Listener) acceptStep(fd uintptr) (done bool) {
	for {
		child, peer, err := acceptOne(fd)
		switch err {
		case nil:
			child, err = aboveStandardStreams(child)
			l.accepted = accepted{child, peer, err}
			return true
		case unix.EAGAIN:
			return false
		case unix.EINTR, unix.ECONNABORTED:
			// The connection ended in the queue; another one may be pending.
		default:
			l.accepted = accepted{err: os.NewSyscallError("accept4", err)}
			return true
		}
	}
}

func acceptOne(fd uintptr) (int, unix.Sockaddr, error) {
	return unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
}

// File returns a duplicate of the descriptor. The caller must close it. The
// duplicate shares the queue of pending connections, so Close no longer empties
// the queue.
func (l *Listener) File() (*os.File, error) {
	file, err := l.descriptor.File()
	if err != nil {
		return nil, err
	}
	l.Share()
	return file, nil
}

// Share records that the queue of pending connections may have other users.
// Close and the garbage collector then leave the queue alone. RawControl does
// not count as sharing: a setsockopt(2) must not cost a listener its safe
// Close.
func (l *Listener) Share() {
	l.shared.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return
	}
	l.forgotten.Stop()
	l.forgotten = closeWhenForgotten(l, l.file, nil)
}

// Close wakes every Accept, closes the pending connections, and closes the
// descriptor. It leaves a shared queue to its other users. Close waits for
// close(2) as Socket.Close does.
func (l *Listener) Close() error {
	l.mu.Lock()
	first := l.beginClose()
	l.mu.Unlock()
	if !first {
		return net.ErrClosed
	}
	return l.release(func() {
		if !l.shared.Load() {
			endListener(l.file)
		}
	}, &l.acceptMu)
}

// btDeferSetup is BT_DEFER_SETUP of include/net/bluetooth/bluetooth.h.
const btDeferSetup = 7

// endListener empties the queue of a listener that is about to be closed, and
// shuts the listener down.
//
// close(2) would close the pending connections too, but with the lock of each
// connection held (rfcomm_sock_cleanup_listen). That can stop RFCOMM on the
// whole machine by a deadlock with rfcomm_sk_state_change: on Linux 6.1 always
// if a pending connection is half-open, on any kernel sometimes if the peer of
// a pending connection closes it at the same time.
//
// A connection that arrives between the last accept4(2) and the end of the
// listener can still cause that deadlock. endListener cannot prevent this, only
// make it unlikely: it calls shutdown(2) right away, which ends the listener
// sooner than the Close of an os.File.
func endListener(file *os.File) {
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		emptyQueue(int(fd))
		unix.Shutdown(int(fd), unix.SHUT_RDWR)
	})
}

// emptyQueue closes the pending connections of a listener, including half-open
// ones, which accept4(2) returns only with BT_DEFER_SETUP (bt_accept_dequeue).
// It must not read them: Linux 6.1 crashes on the first read of such a
// connection if the peer is gone.
func emptyQueue(fd int) {
	// Only Bluetooth sockets have the option, and only they have half-open
	// connections.
	_ = unix.SetsockoptInt(fd, unix.SOL_BLUETOOTH, btDeferSetup, 1)
	// The user of a raw connection may have made the descriptor blocking.
	if unix.SetNonblock(fd, true) != nil {
		return
	}
	// The limit applies if peers keep connecting. It is well above the longest
	// queue that the kernel grants.
	for range 2 * unix.SOMAXCONN {
		child, err := acceptDirectly(fd)
		switch err {
		case nil:
			unix.Close(child)
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return
		}
	}
}

// acceptDirectly calls accept4(2) on a non-blocking descriptor. It does not
// inform the scheduler, which could run other goroutines first when the call
// returns.
func acceptDirectly(fd int) (int, error) {
	const flags = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	child, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), 0, 0, flags, 0, 0)
	switch errno {
	case 0:
		return int(child), nil
	case unix.ENOSYS: // linux/386 and linux/s390x before 4.3
		child, _, err := unix.Accept4(fd, flags)
		return child, err
	}
	return -1, errno
}
