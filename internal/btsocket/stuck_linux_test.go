package btsocket

import (
	"context"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hosttest"
)

// Calls that are stuck in the kernel, as Bluetooth's are while another link is
// stalled: a TCP socket that lingers sticks in close(2), a blocking Unix socket
// in connect(2).

func TestCloseReturnsWhileTheKernelsIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		near, far := tcpPair(t)
		if err := near.control(func(fd int) error {
			return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600})
		}); err != nil {
			t.Fatal(err)
		}
		read, write := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := near.Read(make([]byte, 1))
			read <- err
		}()
		go func() {
			_, err := near.Write(make([]byte, 32<<20)) // what it leaves in the queue keeps close(2) waiting
			write <- err
		}()
		hosttest.AwaitPolling(t, "(*Socket).Read")
		hosttest.AwaitPolling(t, "(*Socket).Write")

		if err := near.Close(); err != nil {
			t.Errorf("Close returned the error %v", err)
		}
		for _, woken := range []<-chan error{read, write} {
			if err := hosttest.Receive(t, woken); err != net.ErrClosed {
				t.Errorf("a call that waited returned the error %v, want net.ErrClosed", err)
			}
		}
		wantClosed(t, near)
		hosttest.Receive(t, drainAndClose(far)) // only now can close(2) end
	})
}

func TestCancelledConnectReturnsWhileTheKernelsIsStuck(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		listener, address := hosttest.UnixListener(t, 0)
		defer unix.Close(listener)
		defer unix.Close(hosttest.DialUnix(t, address)) // its queue is full now

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		stuck := hosttest.NewSocket(t, unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC)
		go func() { done <- startConnect(ctx, stuck, address) }()
		hosttest.AwaitCall(t, "unix.Connect")
		cancel()
		if err := hosttest.Receive(t, done); err != context.Canceled {
			t.Errorf("got the error %v, want context.Canceled", err)
		}

		// The call succeeds in the end, and what it opened is closed.
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
