package btsocket

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hosttest"
)

func TestConnectSucceedsWhenSomeoneListens(t *testing.T) {
	near, far := tcpPair(t) // waits for it
	if _, err := near.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, err := far.Read(buf); string(buf[:n]) != "hello" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

func TestConnectTellsTheKernelsErrno(t *testing.T) {
	closed := newLoopback(t, unix.SOCK_STREAM)
	defer unix.Close(closed)
	address, err := unix.Getsockname(closed) // where nobody listens
	if err != nil {
		t.Fatal(err)
	}
	s := socketOf(t, connecting(t, address))
	wantErrno(t, s.awaitConnected(t.Context()), "connect", unix.ECONNREFUSED)
}

func TestConnectTellsAnErrnoThatComesAtOnce(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		fd := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
		err := startConnect(t.Context(), fd, &unix.SockaddrUnix{Name: "/nonexistent"})
		wantErrno(t, err, "connect", unix.ENOENT)
	})
}

func TestConnectWaitsUntilItsContextIsDone(t *testing.T) {
	listener := newLoopback(t, unix.SOCK_STREAM)
	defer unix.Close(listener)
	address := hosttest.Listen(t, listener, 0)
	first := socketOf(t, connecting(t, address)) // its queue is full now
	if err := first.awaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, listener, unix.POLLIN)

	s := socketOf(t, connecting(t, address))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.awaitConnected(ctx) }()
	hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
	cancel()
	if err := hosttest.Receive(t, done); err != context.Canceled {
		t.Errorf("got the error %v, want context.Canceled", err)
	}
}

func TestConnectResultWithoutPeerIsAnError(t *testing.T) {
	fd := newLoopback(t, unix.SOCK_DGRAM) // writable, without an error and without a peer
	defer unix.Close(fd)
	done, err := connectResult(uintptr(fd))
	if !done {
		t.Error("connectResult waits")
	}
	wantErrno(t, err, "connect", unix.ECONNABORTED)
}

func TestConnectWithoutBluetooth(t *testing.T) {
	fd, err := NewSocket(unix.SOCK_STREAM, unix.BTPROTO_RFCOMM)
	if err == nil {
		unix.Close(fd)
		t.Skip("this kernel has Bluetooth")
	}
	local := Endpoint{
		Kind: unix.SOCK_STREAM, Protocol: unix.BTPROTO_RFCOMM,
		Setup: func(int) error { t.Error("Setup was called without a socket"); return nil },
	}
	_, err = Connect(t.Context(), local, &unix.SockaddrRFCOMM{Channel: 1})
	wantErrno(t, err, "socket", unix.EAFNOSUPPORT)
	_, err = Listen(local, 1)
	wantErrno(t, err, "socket", unix.EAFNOSUPPORT)
}
