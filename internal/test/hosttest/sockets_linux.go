package hosttest

import (
	"testing"

	"golang.org/x/sys/unix"
)

// newSocket holds the flags with which this package creates sockets.
const newSocket = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC

// UnixPair returns two connected, non-blocking Unix sockets. The caller must
// close them.
func UnixPair(t testing.TB) (a, b int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|newSocket, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pair[0], pair[1]
}

// UnixListener returns a listening, non-blocking Unix socket, which the caller
// must close, and its address.
func UnixListener(t testing.TB, backlog int) (fd int, address unix.Sockaddr) {
	t.Helper()
	fd = NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|newSocket)
	if err := unix.Bind(fd, new(unix.SockaddrUnix)); err != nil { // the kernel picks a name
		t.Fatal(err)
	}
	return fd, Listen(t, fd, backlog)
}

// NewSocket returns a new socket.
func NewSocket(t testing.TB, domain, kind int) (fd int) {
	t.Helper()
	fd, err := unix.Socket(domain, kind, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// Listen makes a bound socket listen and returns its address.
func Listen(t testing.TB, fd, backlog int) unix.Sockaddr {
	t.Helper()
	if err := unix.Listen(fd, backlog); err != nil {
		t.Fatal(err)
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// DialUnix returns a new non-blocking Unix socket that is connected to a
// listener with room in its queue.
func DialUnix(t testing.TB, address unix.Sockaddr) (fd int) {
	t.Helper()
	fd = NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|newSocket)
	if err := unix.Connect(fd, address); err != nil {
		t.Fatal(err)
	}
	return fd
}
