package rfcomm

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// listenerOnUnix returns a Listener on a Unix socket, which is closed when the
// test ends, and the address to connect to.
func listenerOnUnix(t *testing.T) (*Listener, unix.Sockaddr) {
	t.Helper()
	fd, address := hosttest.UnixListener(t, 10)
	socket, err := btsocket.NewListener(fd)
	if err != nil {
		t.Fatal(err)
	}
	l := &Listener{listener: socket, addr: nearAddr}
	t.Cleanup(func() { l.Close() })
	return l, address
}

// waitingAccept starts an Accept that waits for a connection.
func waitingAccept(t *testing.T, l *Listener) <-chan error {
	t.Helper()
	done := hosttest.InBackground(func() error {
		c, err := l.Accept()
		if c != nil {
			c.Close()
		}
		return err
	})
	hosttest.AwaitPolling(t, "(*Listener).Accept")
	return done
}

func TestListenerAcceptReturnsConnsInOrder(t *testing.T) {
	l, address := listenerOnUnix(t)
	for _, name := range []string{"first", "second"} {
		dialed := connOf(t, hosttest.DialUnix(t, address), farAddr, nearAddr)
		defer dialed.Close()
		if _, err := io.WriteString(dialed, name); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"first", "second"} {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, ok := c.(*Conn); !ok {
			t.Errorf("Accept gives a %T", c)
		}
		buf := make([]byte, 100)
		if n, err := c.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("read %q, %v; want %q", buf[:n], err, want)
		}
	}
}

func TestListenerCloseWakesAccept(t *testing.T) {
	l, _ := listenerOnUnix(t)
	accept := waitingAccept(t, l)
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	wantOpError(t, hosttest.Receive(t, accept), here("accept", net.ErrClosed))
}

func TestListenerSetDeadline(t *testing.T) {
	l, address := listenerOnUnix(t)
	accept := waitingAccept(t, l)
	if err := l.SetDeadline(longAgo); err != nil {
		t.Fatal(err)
	}
	err := hosttest.Receive(t, accept)
	wantOpError(t, err, here("accept", os.ErrDeadlineExceeded))
	hosttest.WantTimeoutTemporary(t, err, true, true)

	if err := l.SetDeadline(never); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(hosttest.DialUnix(t, address))
	c, err := l.Accept()
	if err != nil {
		t.Fatalf("without the deadline: %v", err)
	}
	c.Close()
}

func TestListenerReportsErrClosedAfterClose(t *testing.T) {
	l, _ := listenerOnUnix(t)
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for name, tt := range map[string]struct {
		call func() error
		want net.OpError
	}{
		"Accept":       {func() error { _, err := l.Accept(); return err }, here("accept", net.ErrClosed)},
		"AcceptRFCOMM": {func() error { _, err := l.AcceptRFCOMM(); return err }, here("accept", net.ErrClosed)},
		"Close":        {l.Close, here("close", net.ErrClosed)},
		"SetDeadline":  {func() error { return l.SetDeadline(time.Time{}) }, here("set", net.ErrClosed)},
		"File":         {func() error { _, err := l.File(); return err }, here("file", net.ErrClosed)},
		"SyscallConn.Control": {
			func() error {
				return raw.Control(func(uintptr) { t.Error("the function of a closed raw connection was called") })
			},
			here("raw-control", net.ErrClosed),
		},
	} {
		t.Run(name, func(t *testing.T) { wantOpError(t, tt.call(), tt.want) })
	}
	if l.Addr().String() != nearAddr.String() {
		t.Errorf("the address is %v", l.Addr())
	}
}

func TestListenerSyscallConnHasOnlyControl(t *testing.T) {
	l, _ := listenerOnUnix(t)
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, l, func(fd int) (int, error) {
		return unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	}); got != 1 {
		t.Error("the descriptor does not listen")
	}
	uncalled := func(uintptr) bool { t.Error("the function was called"); return true }
	for name, err := range map[string]error{"Read": raw.Read(uncalled), "Write": raw.Write(uncalled)} {
		if err != syscall.EINVAL {
			t.Errorf("%s returned %v, want EINVAL", name, err)
		}
	}
}

func TestListenerIsClosedWhenForgotten(t *testing.T) {
	fd, address := hosttest.UnixListener(t, 10)
	waiting := connOf(t, hosttest.DialUnix(t, address), farAddr, nearAddr)
	defer waiting.Close()
	if _, err := btsocket.NewListener(fd); err != nil {
		t.Fatal(err)
	}
	wantEndAfterCollection(t, waitingRead(t, waiting))
}
