package btsocket

import (
	"context"
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnectToListener(t *testing.T) {
	near, far := tcpPair(t) // waits until the socket is connected
	if _, err := near.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, err := far.Read(buf); string(buf[:n]) != "hello" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

func TestConnectReturnsErrno(t *testing.T) {
	closed := newLoopback(t, unix.SOCK_STREAM)
	defer unix.Close(closed)
	address, err := unix.Getsockname(closed) // without a listener
	if err != nil {
		t.Fatal(err)
	}
	s := socketOf(t, connecting(t, address))
	wantErrno(t, s.awaitConnected(t.Context()), "connect", unix.ECONNREFUSED)
}

func TestConnectReturnsImmediateErrno(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		fd := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
		err := new(Endpoint).startConnect(t.Context(), fd, &unix.SockaddrUnix{Name: "/nonexistent"})
		wantErrno(t, err, "connect", unix.ENOENT)
	})
}

// pending returns a socket that stays connecting until the listener is closed,
// because its queue is full.
func pending(t *testing.T) (s *Socket, listener int) {
	t.Helper()
	listener = newLoopback(t, unix.SOCK_STREAM)
	address := hosttest.Listen(t, listener, 0)
	first := socketOf(t, connecting(t, address)) // its queue is full now
	if err := first.awaitConnected(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, listener, unix.POLLIN)
	return socketOf(t, connecting(t, address)), listener
}

func TestConnectEndsWithItsContext(t *testing.T) {
	s, listener := pending(t)
	defer unix.Close(listener)
	ctx, cancel := context.WithCancel(t.Context())
	done := hosttest.InBackground(func() error { return s.finishConnect(ctx, nil) })
	hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
	cancel()
	if err := hosttest.Receive(t, done); err != context.Canceled {
		t.Errorf("got the error %v, want context.Canceled", err)
	}
	if err := s.Close(); err != net.ErrClosed {
		t.Errorf("Close returned %v afterwards, want net.ErrClosed", err)
	}
}

func TestConnectHandsOverAbandonedSockets(t *testing.T) {
	for name, end := range map[string]struct {
		by   func(s *Socket, listener int)
		want error
	}{
		"failed": {func(_ *Socket, listener int) { unix.Close(listener) }, unix.ECONNREFUSED},
		"closed": {func(s *Socket, listener int) { s.Close(); unix.Close(listener) }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			s, listener := pending(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			done := make(chan error, 1)
			err := s.finishConnect(ctx, func(s *Socket) { go func() { done <- s.AwaitConnected() }() })
			if err != context.Canceled {
				t.Errorf("got the error %v, want context.Canceled", err)
			}
			hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
			end.by(s, listener)
			if err := hosttest.Receive(t, done); !errors.Is(err, end.want) {
				t.Errorf("AwaitConnected returned %v, want %v", err, end.want)
			}
		})
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
