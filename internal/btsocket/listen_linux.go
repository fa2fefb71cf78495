package btsocket

import (
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A Listener accepts streams. All its methods may be called from several
// goroutines at once.
type Listener struct {
	descriptor

	acceptMu sync.Mutex // held by Accept from start to end
	accepted accepted

	shared atomic.Bool // File has given out a duplicate
}

// accepted is the state of the Accept under way.
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
// takes fd over, also when it fails.
func NewListener(fd int) (*Listener, error) {
	l := new(Listener)
	if err := l.open(fd); err != nil {
		return nil, err
	}
	l.forgotten = closeWhenForgotten(l, l.file, emptyFile)
	return l, nil
}

// Accept waits for the next connection and returns it with the address of the
// other end.
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
			// Gone while it waited: the next one may be there.
		default:
			l.accepted = accepted{err: os.NewSyscallError("accept4", err)}
			return true
		}
	}
}

func acceptOne(fd uintptr) (int, unix.Sockaddr, error) {
	return unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
}

// File returns a duplicate of the descriptor, for the caller to close. It
// shares the queue of waiting connections.
func (l *Listener) File() (*os.File, error) {
	file, err := l.descriptor.File()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.shared.Swap(true) && !l.closed.Load() {
		l.forgotten.Stop()
		l.forgotten = closeWhenForgotten(l, l.file, nil) // and leave the queue
	}
	return file, nil
}

// Close wakes every Accept and closes the descriptor, after it has taken the
// connections that wait off the queue and closed them: closing over them can
// deadlock RFCOMM in the kernel for the whole machine
// (rfcomm_sock_cleanup_listen against rfcomm_sk_state_change). The queue of a
// listener that File has shared is left to the others. Close waits for
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
			emptyFile(l.file)
		}
	}, &l.acceptMu)
}

// emptyFile empties the queue of a listener.
func emptyFile(file *os.File) {
	raw, err := file.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) { emptyQueue(fd) })
}

// emptyQueue closes the connections that wait to be accepted.
func emptyQueue(fd uintptr) {
	// The bound is for those who come while it works; it is far above the
	// longest queue that the kernel grants.
	for range 2 * unix.SOMAXCONN {
		child, _, err := acceptOne(fd)
		switch err {
		case nil:
			unix.Close(child)
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return
		}
	}
}
