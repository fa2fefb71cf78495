package integration

import (
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/handover"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// handedOver returns a Conn for the connection of c, as of a socket that
// another process has passed and keeps. It closes the Conn c.
func handedOver(t *testing.T, c *rfcomm.Conn, device rfcomm.BDAddr) (*rfcomm.Conn, handover.Held) {
	t.Helper()
	kept, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	c.Close()
	fd := -1
	control(t, kept, func(original uintptr) {
		if fd, err = btsocket.Duplicate(int(original)); err != nil {
			t.Fatal(err)
		}
	})
	got, held, err := handover.Conn(handover.Socket{FD: fd, Device: device})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { got.Close() })
	if open, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("the descriptor that was passed is still open: %v, %v", open, err)
	}
	return got.(*rfcomm.Conn), held
}

// control calls f with the descriptor of a file. Unlike the Fd method, it leaves
// the socket non-blocking.
func control(t *testing.T, file *os.File, f func(fd uintptr)) {
	t.Helper()
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(f); err != nil {
		t.Fatal(err)
	}
}

func TestHandoverCloseEndsConnection(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	dialed := l.dial(t, listener)
	accepted := conntest.Accept(t, listener)
	local, remote := accepted.LocalAddr(), accepted.RemoteAddr()
	conn, _ := handedOver(t, accepted, l.Dialer())
	if conn.LocalAddr() != local || conn.RemoteAddr() != remote {
		t.Errorf("the addresses are %v and %v, want %v and %v", conn.LocalAddr(), conn.RemoteAddr(), local, remote)
	}
	conntest.Send(t, dialed, "hello")
	conntest.Receive(t, conn, "hello")
	if _, err := io.WriteString(conn, "goodbye"); err != nil {
		t.Error(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	conntest.Receive(t, dialed, "goodbye")
	conntest.ReceiveEOF(t, dialed)
}

func TestHandoverShutdownConfirms(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	dialed := l.dial(t, listener)
	conn, _ := handedOver(t, conntest.Accept(t, listener), l.Dialer())
	if _, err := io.WriteString(conn, "goodbye"); err != nil {
		t.Error(err)
	}
	if err := conn.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	conntest.Receive(t, dialed, "goodbye")
	conntest.ReceiveEOF(t, dialed)
}

func TestHandoverKnowsPeerThatLeft(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	dialed := l.dial(t, listener)
	accepted := conntest.Accept(t, listener)
	remote := accepted.RemoteAddr()
	conntest.Send(t, dialed, "goodbye")
	dialed.Close()
	hosttest.Eventually(t, "the end of the connection", func() (ended bool) {
		raw, err := accepted.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) { ended = btsocket.PollEvents(fd, 0)&unix.POLLHUP != 0 })
		return ended
	})
	conn, _ := handedOver(t, accepted, l.Dialer())
	if conn.RemoteAddr() != remote {
		t.Errorf("the peer's address is %v, want %v", conn.RemoteAddr(), remote)
	}
	conntest.Receive(t, conn, "goodbye")
	conntest.ReceiveEOF(t, conn)
}

func TestHandoverEndReadsEOF(t *testing.T) {
	l := inLab(t)
	listener := l.listen(t)
	dialed := l.dial(t, listener)
	conn, held := handedOver(t, conntest.Accept(t, listener), l.Dialer())
	conntest.Send(t, dialed, "received before")
	conntest.Receive(t, conn, "received before")
	held.End()
	conntest.ReceiveEOF(t, conn)
	if n, err := conn.Write([]byte("too late")); err == nil {
		t.Errorf("Write = %d", n)
	}
	conntest.ReceiveEOF(t, dialed)
}
