package btsocket

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// In these tests, system calls are stuck in the kernel, as those on Bluetooth
// sockets are while another link is stalled: close(2) of a TCP socket that
// lingers, and connect(2) of a blocking Unix socket.

// stickyPair returns two connected Sockets. close(2) of the near one is stuck
// until the far end has read all data.
func stickyPair(t *testing.T) (near, far *Socket) {
	t.Helper()
	near, far = tcpPair(t)
	if err := near.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600})
	}); err != nil {
		t.Fatal(err)
	}
	return near, far
}

func TestCloseReturnsWhileCloseIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		near, far := stickyPair(t)
		read, write := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 1))
			read <- err
		}()
		go func() {
			_, err := near.Write(make([]byte, 32<<20)) // the data left in the queue keeps close(2) waiting
			write <- err
		}()
		hosttest.AwaitPolling(t, "(*Socket).Read")
		hosttest.AwaitPolling(t, "(*Socket).Write")

		if err := near.Close(); err != nil {
			t.Errorf("Close returned the error %v", err)
		}
		for _, woken := range []<-chan error{read, write} {
			if err := hosttest.Receive(t, woken); err != net.ErrClosed {
				t.Errorf("a pending call returned the error %v, want net.ErrClosed", err)
			}
		}
		wantClosed(t, near)
		hosttest.Receive(t, drainAndClose(far)) // only now can close(2) end
	})
}

func TestConnectCancelledWhileStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		listener, address := hosttest.UnixListener(t, 0)
		defer unix.Close(listener)
		defer unix.Close(hosttest.DialUnix(t, address)) // its queue is full now

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		stuck := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
		go func() { done <- new(Endpoint).startConnect(ctx, stuck, address) }()
		hosttest.AwaitCall(t, "unix.Connect")
		cancel()
		if err := hosttest.Receive(t, done); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}

		// connect(2) succeeds later, and its socket is closed then.
		for range 2 {
			await(t, listener, unix.POLLIN)
			fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
		}
	})
}

// waitForClose makes every close wait for close(2) longer than a test takes,
// unless the context of the close ends.
func waitForClose(t *testing.T) {
	t.Helper()
	before := closeWait
	closeWait = time.Hour
	t.Cleanup(func() { closeWait = before })
}

// stuckInClose returns two connected Sockets. Closing the near one waits until
// the far end has read all data, which is longer than a test takes, or until
// ctx ends.
func stuckInClose(t *testing.T) (near, far *Socket, ctx context.Context, cancel func()) {
	t.Helper()
	near, far = stickyPair(t)
	waitForClose(t)
	if _, err := near.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return near, far, ctx, cancel
}

func TestCloseContextEndsWhileCloseIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		near, far, ctx, cancel := stuckInClose(t)
		done := hosttest.InBackground(func() error { return near.CloseContext(ctx) })
		hosttest.AwaitCall(t, "syscall.Close")
		cancel()
		if err := hosttest.Receive(t, done); err != nil {
			t.Errorf("got the error %v", err)
		}
		wantClosed(t, near)
		hosttest.Receive(t, drainAndClose(far))
	})
}

func TestShutdownEndsWhileCloseIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		near, far, ctx, cancel := stuckInClose(t)
		done := hosttest.InBackground(func() error { return near.Shutdown(ctx, handles(42, 42)) })
		hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
		cancel()
		if err := hosttest.Receive(t, done); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
		wantClosed(t, near)
		hosttest.Receive(t, drainAndClose(far)) // only now can close(2) end
	})
}

// A dial whose context ends closes its socket, whether it has joined the poller
// or not.

func TestConnectEndsWhileCloseIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		near, far, ctx, cancel := stuckInClose(t)
		cancel()
		done := hosttest.InBackground(func() error { return near.finishConnect(ctx, nil) })
		hosttest.AwaitCall(t, "syscall.Close")
		if err := hosttest.Receive(t, done); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}
		wantClosed(t, near)
		hosttest.Receive(t, drainAndClose(far)) // only now can close(2) end
	})
}

func TestCloseBrieflyEndsWhileCloseIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		near, far, ctx, cancel := stuckInClose(t)
		var fd int
		err := near.control(func(original int) (err error) {
			fd, err = Duplicate(original)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		near.Close() // does not wait, since the duplicate stays open
		done := make(chan struct{})
		go func() { closeBriefly(ctx, fd); close(done) }()
		hosttest.AwaitCall(t, "unix.Close")
		cancel()
		hosttest.Receive(t, done)
		hosttest.Receive(t, drainAndClose(far)) // only now can close(2) end
	})
}
