package rfcomm

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A pair of Unix sockets has no link, so that Shutdown cannot confirm anything.
// What it does otherwise is the same as with one.

func TestConnShutdownWithoutALink(t *testing.T) {
	near, far := connPair(t)
	if _, err := io.WriteString(near, "goodbye"); err != nil {
		t.Fatal(err)
	}
	err := near.Shutdown(t.Context())
	if opErr, ok := err.(*net.OpError); !ok || opErr.Op != "close" {
		t.Errorf("got the error %v, want a *net.OpError of close", err)
	}
	_, err = near.Write([]byte("more"))
	wantOpError(t, err, between("write", net.ErrClosed))
	wantOpError(t, near.Close(), between("close", net.ErrClosed))
	wantOpError(t, near.Shutdown(t.Context()), between("close", net.ErrClosed))
	if got, err := io.ReadAll(far); string(got) != "goodbye" || err != nil {
		t.Errorf("the peer read %q, %v", got, err)
	}
}

func TestConnShutdownWakesPendingCalls(t *testing.T) {
	near, far := connPair(t)
	read, write := waitingRead(t, near), blockedWrite(t, near)
	if err := near.Shutdown(t.Context()); err == nil {
		t.Error("Shutdown confirmed what was cut short")
	}
	wantOpError(t, hosttest.Receive(t, read).err, between("read", net.ErrClosed))
	got := hosttest.Receive(t, write)
	wantOpError(t, got.err, between("write", net.ErrClosed))
	if n, err := io.Copy(io.Discard, far); n != int64(got.n) || err != nil {
		t.Errorf("%d bytes arrived, %v; Write counts %d", n, err, got.n)
	}
}

func TestConnShutdownAfterThePeersClose(t *testing.T) {
	near, far := connPair(t)
	far.Close()
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("Read returned the error %v, want io.EOF", err)
	}
	wantOpError(t, near.Shutdown(t.Context()), between("close", syscall.ECONNRESET))
}

func TestConnShutdownWithACancelledContext(t *testing.T) {
	near, far := connPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := near.Shutdown(ctx); err == nil {
		t.Error("it was confirmed")
	}
	if _, err := far.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer read the error %v, want io.EOF", err)
	}
}
