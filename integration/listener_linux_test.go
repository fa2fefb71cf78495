package integration

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestListenOnChannelZeroUntilNoneIsFree(t *testing.T) {
	inLab(t)
	seen := map[int]bool{}
	for {
		listener, err := rfcomm.Listen(0)
		if err != nil {
			t.Log(err)
			checkOpError(t, err, "listen", nil, rfcomm.Addr{}, unix.EADDRINUSE, "no channel is free")
			break
		}
		defer listener.Close()
		channel := listener.Addr().(rfcomm.Addr).Channel
		if channel < 1 || channel > 30 || seen[channel] {
			t.Fatalf("got channel %d, after %v", channel, seen)
		}
		seen[channel] = true
	}
	if len(seen) != 30 {
		t.Errorf("%d channels were free, want 30", len(seen))
	}
}

func TestListenNamesTakenChannel(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	_, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), conntest.AddrOf(listener))
	t.Log(err)
	checkOpError(t, err, "listen", nil, conntest.AddrOf(listener), unix.EADDRINUSE, "another listener has this channel")
	listener.Close()
	again, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), conntest.AddrOf(listener))
	if err != nil {
		t.Fatalf("the channel is not free after Close: %v", err)
	}
	again.Close()
}

func TestListenerCloseWakesEveryAccept(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	for range 50 {
		listener := l.listen(t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				c, err := listener.Accept()
				if err == nil {
					c.Close()
				} else if !errors.Is(err, net.ErrClosed) {
					t.Errorf("Accept: %v, want net.ErrClosed", err)
				}
			})
		}
		if err := listener.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		wg.Wait()
		if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
		}
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v, want net.ErrClosed", err)
		}
	}
}

func TestListenerDeadlineEndsAccept(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	listener.SetDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := listener.Accept()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("Accept: %v, want os.ErrDeadlineExceeded", err)
	}
	if netErr, ok := err.(net.Error); !ok || !netErr.Timeout() {
		t.Errorf("%v is not a timeout", err)
	}
	listener.SetDeadline(time.Time{})
	l.dial(t, listener)
	conntest.Accept(t, listener)
}

// close(2) of a listener with connections in its queue, while their peers
// close, can deadlock RFCOMM in the kernel.
func TestListenerCloseDuringPeerClose(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	for range rounds(100, 20) {
		listener := l.listen(t)
		c := l.dial(t, listener)
		closed := hosttest.InBackground(c.Close)
		if err := listener.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
		<-closed
	}
	// RFCOMM still works.
	dialed, accepted := l.connect(t)
	conntest.Send(t, dialed, "alive")
	conntest.Receive(t, accepted, "alive")
	dialed.Close()
	accepted.Close()
}

func TestListenerCloseEndsQueuedConns(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	waiting := l.dial(t, listener)
	listener.Close()
	conntest.ReceiveEOF(t, waiting)
}

// With BT_DEFER_SETUP, which BlueZ uses for its profiles, the first
// read(2) accepts the connection. It returns no bytes, but is not the end
// of the stream.
func TestConnReadOfDeferredIsNotEOF(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	deferSetup(t, listener)
	dialed := hosttest.InBackground(func() *rfcomm.Conn {
		c, err := l.dialer.DialRFCOMM(context.Background(), conntest.AddrOf(listener))
		if err != nil {
			t.Error(err)
		}
		return c
	})
	const credits = 40 - 7
	accepted := conntest.Accept(t, listener)
	if _, err := accepted.Write([]byte("too early")); !errors.Is(err, unix.ENOTCONN) {
		t.Errorf("Write before the first Read: %v, want ENOTCONN", err)
	}
	read := hosttest.InBackground(func() string {
		got := make([]byte, 5)
		_, err := io.ReadFull(accepted, got)
		if err == nil && got[0] == credits {
			// About 2 in 100 times Linux 6.12 delivers the credits of the
			// peer's first frame as data: the difference between the 7 initial
			// credits and the maximum of 40.
			t.Log("the first byte is the peer's credits")
			copy(got, got[1:])
			_, err = io.ReadFull(accepted, got[4:])
		}
		if err != nil {
			t.Error(err)
		}
		return string(got)
	})
	c := <-dialed
	if c == nil {
		return
	}
	defer c.Close()
	conntest.Send(t, c, "hello")
	if got := <-read; got != "hello" {
		t.Errorf("read %q", got)
	}
	conntest.Send(t, accepted, "and back")
	conntest.Receive(t, c, "and back")
}

func TestFileListenerAndFileConnWork(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	f, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("the listener's file is not close-on-exec: %#x, %v", flags, err)
	}
	second, err := rfcomm.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.Addr().String() != listener.Addr().String() {
		t.Errorf("the second listener has address %v, want %v", second.Addr(), listener.Addr())
	}

	// The second listener shares the queue, so the queue survives
	// the first one.
	waiting := l.dial(t, listener)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := second.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	cf, err := waiting.File()
	if err != nil {
		t.Fatal(err)
	}
	handed, err := rfcomm.FileConn(cf)
	if err != nil {
		t.Fatal(err)
	}
	defer handed.Close()
	cf.Close()
	waiting.Close()
	if handed.RemoteAddr().String() != c.LocalAddr().String() || handed.LocalAddr().String() != c.RemoteAddr().String() {
		t.Errorf("handed over: %v->%v, peer: %v->%v", handed.LocalAddr(), handed.RemoteAddr(), c.LocalAddr(), c.RemoteAddr())
	}
	conntest.Send(t, handed, "by another hand")
	conntest.Receive(t, c, "by another hand")
	c.Close()
	conntest.ReceiveEOF(t, handed)
}

func TestFileListenerCloseLeavesQueue(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	f, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	second, err := rfcomm.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	dialed := l.dial(t, listener)
	if err := second.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	accepted := conntest.Accept(t, listener)
	conntest.Send(t, dialed, "still here")
	conntest.Receive(t, accepted, "still here")
	// The listener still works, so Close has not set BT_DEFER_SETUP.
	accepted.Close()
	conntest.ReceiveEOF(t, dialed)
	dialed.Close()
	l.dial(t, listener)
	conntest.Accept(t, listener)
}

func TestFileConnRefusesOtherDescriptors(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	conn := l.dial(t, listener)
	conntest.Accept(t, listener)
	socket := func(kind, protocol int) *os.File {
		fd, err := unix.Socket(unix.AF_BLUETOOTH, kind|unix.SOCK_CLOEXEC, protocol)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "socket")
		t.Cleanup(func() { f.Close() })
		return f
	}
	listenerFile, _ := listener.File()
	connFile, _ := conn.File()
	t.Cleanup(func() { listenerFile.Close(); connFile.Close() })
	for _, test := range []struct {
		name     string
		file     *os.File
		conn     string // part of FileConn's error
		listener string // part of FileListener's error
	}{
		{"a new RFCOMM socket", socket(unix.SOCK_STREAM, unix.BTPROTO_RFCOMM), "not connected", "does not listen"},
		{"an L2CAP socket", socket(unix.SOCK_SEQPACKET, unix.BTPROTO_L2CAP), "not an RFCOMM socket", "not an RFCOMM socket"},
		{"an HCI socket", socket(unix.SOCK_RAW, unix.BTPROTO_HCI), "not an RFCOMM socket", "not an RFCOMM socket"},
		{"a listener", listenerFile, "FileListener takes one", ""},
		{"a connection", connFile, "", "FileConn takes one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := rfcomm.FileConn(test.file)
			if err == nil {
				c.Close()
			}
			checkRefusal(t, "FileConn", err, test.conn)
			other, err := rfcomm.FileListener(test.file)
			if err == nil {
				other.Close()
			}
			checkRefusal(t, "FileListener", err, test.listener)
		})
	}
}

// checkRefusal checks that err contains want, or is nil if want is empty.
func checkRefusal(t *testing.T, what string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v; want it to say %q", what, err, want)
	}
	if _, ok := err.(*net.OpError); err != nil && !ok {
		t.Errorf("%s: %T, want a *net.OpError", what, err)
	}
}
