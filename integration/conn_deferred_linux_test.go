package integration

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const btDeferSetup = 7 // BT_DEFER_SETUP, include/net/bluetooth/bluetooth.h

// deferSetup makes the kernel accept a connection of a listener only on the
// first read(2) of the connection.
func deferSetup(t *testing.T, listener *rfcomm.Listener) {
	t.Helper()
	withDescriptor(t, listener, func(fd int) {
		if err := unix.SetsockoptInt(fd, unix.SOL_BLUETOOTH, btDeferSetup, 1); err != nil {
			t.Fatal(err)
		}
	})
}

// awaitHangup waits until the connection has ended, without reading.
func awaitHangup(t *testing.T, c *rfcomm.Conn) {
	t.Helper()
	withDescriptor(t, c, func(fd int) {
		polls := []unix.PollFd{{Fd: int32(fd)}}
		for polls[0].Revents&unix.POLLHUP == 0 {
			if n, err := unix.Poll(polls, 60_000); n == 0 || err != nil && err != unix.EINTR {
				t.Fatalf("the connection does not end: poll = %d, %v", n, err)
			}
		}
	})
}

// deferred returns the accepted end of a deferred connection and a channel that
// receives the result of the pending dial.
func (l *lab) deferred(t *testing.T, ctx context.Context) (accepted *rfcomm.Conn, dialed <-chan *rfcomm.Conn) {
	t.Helper()
	listener := l.listen(t)
	defer listener.Close()
	deferSetup(t, listener)
	dialed = hosttest.InBackground(func() *rfcomm.Conn {
		c, err := l.dialer.DialRFCOMM(ctx, conntest.AddrOf(listener))
		t.Logf("dial: %v", err)
		return c
	})
	return conntest.Accept(t, listener), dialed
}

func TestConnReadAcceptsDeferred(t *testing.T) {
	l := inLab(t)
	accepted, dialing := l.deferred(t, t.Context())
	read := hosttest.InBackground(func() string {
		buf := make([]byte, 100)
		n, err := accepted.Read(buf)
		if err != nil {
			t.Error(err)
		}
		return string(buf[:n])
	})
	dialed := <-dialing
	if dialed == nil {
		t.Fatal("the dial failed")
	}
	defer dialed.Close()
	conntest.Send(t, dialed, "hello")
	if got := <-read; got == "" {
		t.Error("Read returned no data")
	} else if got != "hello" {
		t.Logf("Read returned %q", got) // Linux 6.12 can deliver credits as data
	}
}

// dialRaw returns a socket that is connecting to the listener, and the accepted
// end. A Dialer would keep the socket open after the dial is canceled.
func (l *lab) dialRaw(t *testing.T, listener *rfcomm.Listener) (fd int, accepted *rfcomm.Conn) {
	t.Helper()
	for {
		fd := l.startConnect(t, conntest.AddrOf(listener))
		polls := []unix.PollFd{{Fd: int32(fd)}, {Events: unix.POLLIN}}
		withDescriptor(t, listener, func(listening int) {
			polls[1].Fd = int32(listening)
			for {
				if n, err := unix.Poll(polls, 60_000); n == 0 || err != nil && err != unix.EINTR {
					t.Fatalf("no connection comes: poll = %d, %v", n, err)
				} else if n > 0 {
					return
				}
			}
		})
		if polls[1].Revents != 0 {
			return fd, conntest.Accept(t, listener)
		}
		unix.Close(fd) // the link or the session was closing
	}
}

// startConnect returns a socket that connects from the near adapter to addr.
func (l *lab) startConnect(t *testing.T, addr rfcomm.Addr) (fd int) {
	t.Helper()
	fd = rawSocket(t)
	if err := unix.Bind(fd, sockaddr(l.nearAddr(0))); err != nil {
		t.Fatal(err)
	}
	// An errno that arrives later sets POLLHUP.
	if err := unix.Connect(fd, sockaddr(addr)); err != unix.EINPROGRESS {
		t.Logf("connect: %v", err)
	}
	return fd
}

// On Linux 6.1, the first recv(2) of a deferred connection whose peer has
// closed crashes the kernel (rfcomm_dlc_accept), so Read must not call it after
// a hangup.
func TestConnReadOfDeferredAfterHangup(t *testing.T) {
	l := inLab(t)
	for range 5 {
		listener := l.listen(t) // on another channel: the last one may still be closing
		deferSetup(t, listener)
		fd, accepted := l.dialRaw(t, listener)
		unix.Close(fd)
		awaitHangup(t, accepted)
		conntest.ReceiveEOF(t, accepted)
		accepted.Close()
	}
}

func TestConnReadOfDeferredAfterLoss(t *testing.T) {
	l := inLab(t)
	l.Sync() // a dial over a link that is about to end would fail
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	accepted, dialing := l.deferred(t, ctx)
	l.Disconnect(0x08)
	awaitHangup(t, accepted)
	for range 2 {
		if n, err := accepted.Read(make([]byte, 1)); n != 0 || !errors.Is(err, unix.ETIMEDOUT) {
			t.Errorf("Read = %d, %v; want ETIMEDOUT", n, err)
		}
	}
	cancel()
	if dialed := <-dialing; dialed != nil {
		dialed.Close()
	}
}
