package rfcomm

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnCloseWakesRead(t *testing.T) {
	near, _ := connPair(t)
	read := waitingRead(t, near)
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	got := hosttest.Receive(t, read)
	if got.n != 0 {
		t.Errorf("Read returned %d bytes", got.n)
	}
	wantOpError(t, got.err, between("read", net.ErrClosed))
}

func TestConnCloseWakesWriteWithItsCount(t *testing.T) {
	near, far := connPair(t)
	write := blockedWrite(t, near)
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	got := hosttest.Receive(t, write)
	wantOpError(t, got.err, between("write", net.ErrClosed))
	if got.n <= 0 || got.n >= tooMuch {
		t.Errorf("Write counts %d bytes", got.n)
	}
	// The kernel still delivers the queued data.
	if n, err := io.Copy(io.Discard, far); n != int64(got.n) || err != nil {
		t.Errorf("%d bytes arrived, %v; Write counts %d", n, err, got.n)
	}
}

func TestConnCloseWakesEveryCall(t *testing.T) {
	near, _ := connPair(t)
	results := make(chan error)
	const callers = 5
	for range callers {
		go func() { _, err := near.Read(make([]byte, 1)); results <- err }()
		go func() { _, err := near.Write(make([]byte, tooMuch)); results <- err }()
	}
	hosttest.AwaitPolling(t, "(*Conn).Read")
	hosttest.AwaitPolling(t, "(*Conn).Write")
	near.Close()
	for range 2 * callers {
		hosttest.WantMatches(t, hosttest.Receive(t, results), []error{net.ErrClosed}, nil)
	}
}

func TestConnCloseSucceedsOnce(t *testing.T) {
	near, _ := connPair(t)
	var group sync.WaitGroup
	var succeeded atomic.Int32
	for range 10 {
		group.Go(func() {
			if err := near.Close(); err == nil {
				succeeded.Add(1)
			} else {
				wantOpError(t, err, between("close", net.ErrClosed))
			}
		})
	}
	group.Wait()
	if n := succeeded.Load(); n != 1 {
		t.Errorf("%d calls of Close succeeded", n)
	}
}

func TestConnReportsErrClosedAfterClose(t *testing.T) {
	near, far := connPair(t)
	if _, err := io.WriteString(far, "too late"); err != nil {
		t.Fatal(err)
	}
	raw, err := near.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	near.Close()

	never := func(uintptr) bool { t.Error("the function of a closed raw connection was called"); return true }
	for name, tt := range map[string]struct {
		call func() error
		want net.OpError
	}{
		"Read":                {func() error { _, err := near.Read(make([]byte, 1)); return err }, between("read", net.ErrClosed)},
		"Read of no bytes":    {func() error { _, err := near.Read(nil); return err }, between("read", net.ErrClosed)},
		"Write":               {func() error { _, err := near.Write(make([]byte, 1)); return err }, between("write", net.ErrClosed)},
		"Write of no bytes":   {func() error { _, err := near.Write(nil); return err }, between("write", net.ErrClosed)},
		"Close":               {near.Close, between("close", net.ErrClosed)},
		"Shutdown":            {func() error { return near.Shutdown(t.Context()) }, between("close", net.ErrClosed)},
		"Security":            {func() error { _, err := near.Security(); return err }, between("security", net.ErrClosed)},
		"File":                {func() error { _, err := near.File(); return err }, between("file", net.ErrClosed)},
		"SetDeadline":         {func() error { return near.SetDeadline(time.Time{}) }, here("set", net.ErrClosed)},
		"SetReadDeadline":     {func() error { return near.SetReadDeadline(time.Time{}) }, here("set", net.ErrClosed)},
		"SetWriteDeadline":    {func() error { return near.SetWriteDeadline(time.Time{}) }, here("set", net.ErrClosed)},
		"SetReadBuffer":       {func() error { return near.SetReadBuffer(4096) }, here("set", net.ErrClosed)},
		"SetWriteBuffer":      {func() error { return near.SetWriteBuffer(4096) }, here("set", net.ErrClosed)},
		"SyscallConn.Control": {func() error { return raw.Control(func(uintptr) { never(0) }) }, here("raw-control", net.ErrClosed)},
		"SyscallConn.Read":    {func() error { return raw.Read(never) }, between("raw-read", net.ErrClosed)},
		"SyscallConn.Write":   {func() error { return raw.Write(never) }, between("raw-write", net.ErrClosed)},
	} {
		t.Run(name, func(t *testing.T) { wantOpError(t, tt.call(), tt.want) })
	}
	t.Run("SyscallConn", func(t *testing.T) {
		raw, err := near.SyscallConn() // succeeds, as in package net
		if err != nil {
			t.Fatal(err)
		}
		wantOpError(t, raw.Control(func(uintptr) { never(0) }), here("raw-control", net.ErrClosed))
	})
	t.Run("addresses", func(t *testing.T) {
		if near.LocalAddr().String() != nearAddr.String() || near.RemoteAddr().String() != farAddr.String() {
			t.Errorf("they are %v and %v", near.LocalAddr(), near.RemoteAddr())
		}
	})
}

func TestConnCloseInARawFunction(t *testing.T) {
	for name, use := range map[string]func(near *Conn, f func()) error{
		"Control": func(near *Conn, f func()) error {
			raw, _ := near.SyscallConn()
			return raw.Control(func(uintptr) { f() })
		},
		"Read": func(near *Conn, f func()) error {
			raw, _ := near.SyscallConn()
			return raw.Read(func(uintptr) bool { f(); return true })
		},
		"Write": func(near *Conn, f func()) error {
			raw, _ := near.SyscallConn()
			return raw.Write(func(uintptr) bool { f(); return true })
		},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := connPair(t)
			if err := use(near, func() {
				if err := near.Close(); err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Error(err)
			}
			if _, err := far.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the peer read the error %v, want io.EOF", err)
			}
		})
	}
}

// A pair of Unix sockets has no link, so Shutdown cannot confirm anything. In
// all other respects it behaves as with a link.

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
