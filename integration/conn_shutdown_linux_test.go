package integration

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"golang.org/x/sys/unix"
)

func TestShutdownConfirmsDelivery(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	data := strings.Repeat("every byte of it ", 10_000)
	read := hosttest.InBackground(func() string {
		got, _ := io.ReadAll(accepted)
		return string(got)
	})
	conntest.Send(t, dialed, data)
	if err := dialed.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != data {
		t.Errorf("the peer read %d bytes, want all %d", len(got), len(data))
	}
	if err := dialed.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close after Shutdown: %v, want net.ErrClosed", err)
	}
	if err := dialed.Shutdown(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Shutdown: %v, want net.ErrClosed", err)
	}
	if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Shutdown: %v, want net.ErrClosed", err)
	}
}

// Shutdown delivers all queued data even if the peer takes longer than the
// kernel's 40 s to read it. The peer's kernel may grant no credits in that
// time: it buffers up to 70 kB, and grants credits once most of its buffer has
// been read.
func TestShutdownWaitsForASlowReader(t *testing.T) {
	rate := 1000 // bytes per second
	if testing.Short() {
		rate = 20_000 // takes less than 40 s: shows only that all data arrives
	}
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	dialed, accepted := l.connect(t)
	written := conntest.Fill(t, dialed)
	ctx, cancel := context.WithCancel(t.Context())
	slow, fast := context.WithCancel(t.Context())
	defer cancel()
	read := hosttest.InBackground(func() int64 {
		defer cancel() // Shutdown must return before the stream ends
		n, err := copySlowly(slow, io.Discard, accepted, rate)
		if err != nil {
			t.Error(err)
		}
		return n
	})
	begun := time.Now()
	err := dialed.Shutdown(ctx)
	t.Logf("Shutdown: %v after %v", err, time.Since(begun).Round(time.Second))
	if err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	fast()
	if n := <-read; int(n) != written {
		t.Errorf("the peer read %d bytes of %d", n, written)
	}
	accepted.Close()
}

// copySlowly copies until the end, at rate bytes per second until ctx is done.
func copySlowly(ctx context.Context, to io.Writer, from io.Reader, rate int) (n int64, err error) {
	ticker := time.NewTicker(time.Second / 10)
	defer ticker.Stop()
	for ctx.Err() == nil {
		part, err := io.CopyN(to, from, int64(rate/10))
		n += part
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	rest, err := io.Copy(to, from)
	return n + rest, err
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	dialed, accepted := l.connect(t)
	conntest.Fill(t, dialed)
	wrote := hosttest.InBackground(func() error {
		_, err := dialed.Write([]byte("no room"))
		return err
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := dialed.Shutdown(ctx)
	t.Log(err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v, want context.DeadlineExceeded", err)
	}
	if netErr, ok := err.(net.Error); !ok || !netErr.Timeout() {
		t.Errorf("Shutdown: %v is not a timeout", err)
	}
	if err := <-wrote; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the blocked Write: %v, want net.ErrClosed", err)
	}
	if _, err := dialed.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Shutdown: %v, want net.ErrClosed", err)
	}
	io.Copy(io.Discard, accepted)
	accepted.Close()
}

func TestConnCloseInterruptsShutdown(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	conntest.Fill(t, dialed)
	shutdown := hosttest.InBackground(func() error { return dialed.Shutdown(t.Context()) })
	for {
		// Once Shutdown has begun, the methods of the Conn fail.
		if err := dialed.SetDeadline(time.Time{}); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := dialed.Close(); err != nil {
		t.Errorf("Close during Shutdown: %v", err)
	}
	if err := <-shutdown; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Shutdown: %v, want net.ErrClosed", err)
	}
	io.Copy(io.Discard, accepted)
}

func TestShutdownUnconfirmedAfterPeerClose(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	conntest.Send(t, dialed, "never read")
	accepted.Close()
	conntest.ReceiveEOF(t, dialed)
	err := dialed.Shutdown(t.Context())
	checkOpError(t, err, "close", l.nearAddr(channelOf(dialed)), l.farAddr(channelOf(dialed)), unix.ECONNRESET, "the peer closed first")
}

// A kernel that is using the link when it is lost can lose the errno. The
// socket then looks the same as after a confirmed close.
func TestShutdownUnconfirmedAfterLostLink(t *testing.T) {
	l := inLab(t)
	for i := range rounds(20, 5) {
		l.Sync() // a dial over a link that is about to end would fail
		dialed, accepted := l.connect(t)
		written := conntest.Fill(t, dialed)
		shutdown := hosttest.InBackground(func() error { return dialed.Shutdown(t.Context()) })
		l.Disconnect(0x13)
		err := <-shutdown
		read, _ := io.Copy(io.Discard, accepted)
		accepted.Close()
		if err == nil && int(read) < written {
			t.Fatalf("round %d: Shutdown confirmed %d bytes, of which the peer read %d", i, written, read)
		}
		if err == nil {
			t.Fatalf("round %d: Shutdown returned nil over a lost link", i)
		}
		t.Log(err)
	}
}

// Shutdown confirms delivery only if the link exists both before and after.
func TestShutdownUnconfirmedWithoutLink(t *testing.T) {
	l := inLab(t)
	dialed, accepted := l.connect(t)
	l.Unplug()
	err := dialed.Shutdown(t.Context())
	checkOpError(t, err, "close", l.nearAddr(channelOf(dialed)), l.farAddr(channelOf(dialed)), unix.ECONNABORTED, "the link was lost")
	accepted.Close()
	l.Plug()
}
