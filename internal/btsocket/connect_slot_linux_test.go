package btsocket

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// stuckConnect starts a connect(2) that is stuck until two connections have
// been accepted. It returns the result of the call and a function that accepts
// them.
func stuckConnect(t *testing.T, ctx context.Context, e *Endpoint) (result <-chan error, finish func()) {
	t.Helper()
	listener, address := hosttest.UnixListener(t, 0)
	first := hosttest.DialUnix(t, address) // its queue is full now
	done := make(chan error, 1)
	fd := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
	go func() { done <- e.startConnect(ctx, fd, address) }()
	hosttest.AwaitCall(t, "unix.Connect")
	// A Bluetooth socket is non-blocking too, and its connect(2) sticks anyway.
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return done, func() {
		for range 2 {
			await(t, listener, unix.POLLIN)
			accepted, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			unix.Close(accepted)
		}
		unix.Close(first)
		unix.Close(listener)
	}
}

func TestConnectMakesOneCallAtATime(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		stuckCtx, cancelStuck := context.WithCancel(t.Context())
		stuck, finish := stuckConnect(t, stuckCtx, new(Endpoint))
		next := Endpoint{Connecting: func(context.Context) error {
			t.Error("the second connect(2) is about to be called")
			return nil
		}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		fd := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
		go func() { done <- next.startConnect(ctx, fd, new(unix.SockaddrUnix)) }()
		hosttest.AwaitSelecting(t, "takeConnectSlot")
		cancel()
		if err := hosttest.Receive(t, done); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
		cancelStuck()
		if err := hosttest.Receive(t, stuck); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
		finish()
	})
}

func TestConnectDoesNothingAfterItsContext(t *testing.T) {
	e := Endpoint{Connecting: func(context.Context) error {
		t.Error("connect(2) is about to be called")
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // select chooses at random
		fd := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
		if err := e.startConnect(ctx, fd, new(unix.SockaddrUnix)); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
	}
}

// If a dial is cancelled while connect(2) is stuck, the kernel still connects
// its socket.
func TestConnectHandsOverStuckSockets(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		abandoned := make(chan *Socket, 1)
		ctx, cancel := context.WithCancel(t.Context())
		stuck, finish := stuckConnect(t, ctx, &Endpoint{Abandoned: func(s *Socket) { abandoned <- s }})
		cancel()
		if err := hosttest.Receive(t, stuck); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
		finish()
		hosttest.Receive(t, abandoned).Close()
	})
}
