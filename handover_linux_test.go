package rfcomm

import (
	"io"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/handover"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestHandoverEndsRefusedConns(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		fd, peer := hosttest.UnixPair(t)
		duplicate, err := btsocket.Duplicate(fd)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(duplicate)
		far := connOf(t, peer, farAddr, nearAddr)
		defer far.Close()

		c, _, err := handover.Conn(handover.Socket{FD: fd})
		if c != nil {
			t.Errorf("got %v", c)
		}
		wantOpError(t, err, net.OpError{Op: "file", Addr: fileAddr("descriptor from another process"), Err: unix.EPROTOTYPE})
		receiveEOF(t, far)
	})
}

// handedOver returns the near end of a connection, as of a socket that another
// process has passed and keeps until the test ends, and the far end.
func handedOver(t *testing.T) (near *Conn, held handover.Held, far *Conn) {
	t.Helper()
	fd, peer := hosttest.UnixPair(t)
	kept, err := btsocket.Duplicate(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(kept) })
	conn, held, err := handover.Conn(handover.Socket{FD: fd, Device: farAddr.Device, Any: true})
	if err != nil {
		t.Fatal(err)
	}
	far = connOf(t, peer, farAddr, nearAddr)
	t.Cleanup(func() {
		conn.Close()
		far.Close()
	})
	return conn.(*Conn), held, far
}

func TestHandoverCloseEndsConn(t *testing.T) {
	near, held, far := handedOver(t)
	if got := near.RemoteAddr().(Addr).Device; got != farAddr.Device {
		t.Errorf("the peer is %v, want %v", got, farAddr.Device)
	}
	if !held.Connected() {
		t.Error("the connection has ended")
	}
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	receiveEOF(t, far)
	if held.Connected() {
		t.Error("the connection has not ended")
	}
	held.End()
}

func TestHandoverEndLeavesConnOpen(t *testing.T) {
	near, held, far := handedOver(t)
	read := waitingRead(t, near)
	held.End()
	if got := hosttest.Receive(t, read); got.n != 0 || got.err != io.EOF {
		t.Errorf("Read returned %d, %v; want 0, io.EOF", got.n, got.err)
	}
	receiveEOF(t, far)
	if held.Connected() {
		t.Error("the connection has not ended")
	}
	if err := near.Close(); err != nil {
		t.Error(err)
	}
}

func TestHandoverKeepsNoForgottenConn(t *testing.T) {
	held, far := func() (handover.Held, *Conn) {
		fd, peer := hosttest.UnixPair(t)
		_, held, err := handover.Conn(handover.Socket{FD: fd, Any: true})
		if err != nil {
			t.Fatal(err)
		}
		return held, connOf(t, peer, farAddr, nearAddr)
	}()
	t.Cleanup(func() { far.Close() })
	hosttest.Eventually(t, "the garbage collector closes the connection", func() bool {
		runtime.GC()
		return !held.Connected()
	})
	receiveEOF(t, far)
	held.End()
}
