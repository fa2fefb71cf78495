package btsocket

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// Other sockets stand in for Bluetooth sockets. Each resembles them in one
// respect:
//
//   - pairs of Unix sockets: data or packets, deadlines, Close
//   - TCP: a peer that resets, and a disconnect that the peer answers, after
//     which getpeername(2) returns ENOTCONN
//   - UDP with IP_RECVERR: an errno that the kernel returns once, to the first
//     call that asks, after which read(2) returns EAGAIN while poll(2) shows an
//     error

// socketOf returns a Socket for fd, closed when the test ends.
func socketOf(t *testing.T, fd int) *Socket {
	t.Helper()
	s, err := New(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// unixPair returns two Sockets that are connected.
func unixPair(t *testing.T) (near, far *Socket) {
	t.Helper()
	a, b := hosttest.UnixPair(t)
	return socketOf(t, a), socketOf(t, b)
}

// packetPair returns two Sockets for packets that are connected.
func packetPair(t *testing.T) (near, far *Socket) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return socketOf(t, pair[0]), socketOf(t, pair[1])
}

// newLoopback returns a new non-blocking socket that is bound to the loopback
// interface.
func newLoopback(t *testing.T, kind int) (fd int) {
	t.Helper()
	fd = hosttest.NewSocket(t, unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// connecting returns a new TCP socket that connects to the address.
func connecting(t *testing.T, address unix.Sockaddr) (fd int) {
	t.Helper()
	fd = newLoopback(t, unix.SOCK_STREAM)
	if err := unix.Connect(fd, address); err != nil && err != unix.EINPROGRESS {
		t.Fatal(err)
	}
	return fd
}

// tcpPair returns two Sockets that are connected by TCP.
func tcpPair(t *testing.T) (near, far *Socket) {
	t.Helper()
	listener := newLoopback(t, unix.SOCK_STREAM)
	defer unix.Close(listener)
	near = socketOf(t, connecting(t, hosttest.Listen(t, listener, 1)))
	if err := near.awaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, listener, unix.POLLIN)
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	return near, socketOf(t, fd)
}

// reset ends the connection of a TCP socket without a disconnect, and waits
// until the other end has hung up.
func reset(t *testing.T, s, other *Socket) {
	t.Helper()
	err := s.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	other.control(func(fd int) error { await(t, fd, unix.POLLHUP); return nil })
}

// udpPair returns a UDP socket that is connected to another. The Socket treats
// it as a stream, since it stands in for RFCOMM.
func udpPair(t *testing.T) (near *Socket, far int) {
	t.Helper()
	a, b := newLoopback(t, unix.SOCK_DGRAM), newLoopback(t, unix.SOCK_DGRAM)
	for _, ends := range [][2]int{{a, b}, {b, a}} {
		address, err := unix.Getsockname(ends[1])
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(ends[0], address); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.SetsockoptInt(a, unix.SOL_IP, unix.IP_RECVERR, 1); err != nil {
		t.Fatal(err)
	}
	near = socketOf(t, a)
	near.packets, near.write.step = nil, near.writeStep
	return near, b
}

// reportOnce closes the far end and makes the kernel report that to the near
// end once, by ECONNREFUSED.
func reportOnce(t *testing.T, near *Socket, far int) {
	t.Helper()
	unix.Close(far)
	err := near.control(func(fd int) error {
		if _, err := unix.Write(fd, []byte("who is there?")); err != nil {
			return err
		}
		await(t, fd, unix.POLLERR)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// await waits until poll(2) shows the events for a socket.
func await(t *testing.T, fd int, events int16) {
	t.Helper()
	hosttest.Eventually(t, "the socket's state", func() bool { return PollEvents(uintptr(fd), events)&events != 0 })
}
