package btsocket

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/hosttest"
)

// handles returns a function that gives the handles in turn, as the link of a
// Shutdown.
func handles(handles ...uint16) func() (uint16, error) {
	return func() (uint16, error) {
		handle := handles[0]
		handles = handles[1:]
		return handle, nil
	}
}

// wantClosed checks that the socket is closed.
func wantClosed(t *testing.T, s *Socket) {
	t.Helper()
	if _, err := s.Write([]byte("more")); err != net.ErrClosed {
		t.Errorf("Write returned the error %v, want net.ErrClosed", err)
	}
	if err := s.Close(); err != net.ErrClosed {
		t.Errorf("Close returned the error %v, want net.ErrClosed", err)
	}
}

// drainAndClose reads everything from s, closes it, and returns how much it
// was.
func drainAndClose(s *Socket) <-chan int64 {
	read := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, s)
		s.Close()
		read <- n
	}()
	return read
}

func TestShutdownWaitsForTheOtherEnd(t *testing.T) {
	near, far := tcpPair(t)
	const sent = 1000
	if _, err := near.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- near.Shutdown(t.Context(), handles(42, 42)) }()
	hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned %v before the other end answered", err)
	default:
	}
	read := drainAndClose(far)
	if err := hosttest.Receive(t, done); err != nil {
		t.Errorf("Shutdown returned the error %v", err)
	}
	if n := hosttest.Receive(t, read); n != sent {
		t.Errorf("%d bytes arrived of %d", n, sent)
	}
	wantClosed(t, near)
}

func TestShutdownDoesNotConfirmOverAnotherLink(t *testing.T) {
	gone := func(errno error) func() (uint16, error) {
		first := true
		return func() (uint16, error) {
			if first {
				first = false
				return 42, nil
			}
			return 0, errno
		}
	}
	for name, tt := range map[string]struct {
		link func() (uint16, error)
		want error
	}{
		"new handle":       {handles(42, 43), unix.ECONNABORTED},
		"link gone":        {gone(unix.ENOTCONN), unix.ECONNABORTED},
		"link not told":    {gone(unix.EMFILE), unix.EMFILE},
		"no link to begin": {func() (uint16, error) { return 0, unix.ENOTCONN }, unix.ECONNABORTED},
		"never told":       {func() (uint16, error) { return 0, unix.EAFNOSUPPORT }, unix.EAFNOSUPPORT},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := tcpPair(t)
			read := drainAndClose(far)
			if err := near.Shutdown(t.Context(), tt.link); !errors.Is(err, tt.want) {
				t.Errorf("got the error %v, want %v", err, tt.want)
			}
			wantClosed(t, near)
			hosttest.Receive(t, read)
		})
	}
}

func TestShutdownAfterTheOtherEndClosedIsNotConfirmed(t *testing.T) {
	near, far := tcpPair(t)
	reset(t, far, near)
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("Read returned the error %v, want io.EOF", err)
	}
	wantErrno(t, near.Shutdown(t.Context(), handles(42, 42)), "shutdown", unix.ECONNRESET)
	wantClosed(t, near)
}

func TestShutdownFindsOutThatTheOtherEndClosed(t *testing.T) {
	near, far := tcpPair(t)
	reset(t, far, near)
	wantErrno(t, near.Shutdown(t.Context(), handles(42, 42)), "shutdown", unix.ECONNRESET)
	wantClosed(t, near)
}

// Neither end of a pair of Unix sockets ever answers a shutdown(2).

func TestShutdownEndsWithItsContext(t *testing.T) {
	for name, tt := range map[string]struct {
		make func(context.Context) (context.Context, context.CancelFunc)
		want error
	}{
		"cancelled": {context.WithCancel, context.Canceled},
		"cancelled with a cause": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			return ctx, func() { cancel(errors.New("no time")) }
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := unixPair(t)
			if _, err := io.WriteString(near, "goodbye"); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := tt.make(t.Context())
			done := make(chan error, 1)
			go func() { done <- near.Shutdown(ctx, handles(42, 42)) }()
			hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
			cancel()
			if err := hosttest.Receive(t, done); err != tt.want {
				t.Errorf("got the error %v, want %v", err, tt.want)
			}
			wantClosed(t, near)
			wantRestAndEOF(t, far, "goodbye")
		})
	}
}

func TestShutdownWithAPassedDeadlineCloses(t *testing.T) {
	near, far := unixPair(t)
	ctx, cancel := context.WithDeadline(t.Context(), aLongTimeAgo)
	defer cancel()
	if err := near.Shutdown(ctx, handles(42, 42)); err != context.DeadlineExceeded {
		t.Errorf("got the error %v, want context.DeadlineExceeded", err)
	}
	wantClosed(t, near)
	wantRestAndEOF(t, far, "")
}

func TestCloseEndsAShutdown(t *testing.T) {
	near, far := unixPair(t)
	done := make(chan error, 1)
	go func() { done <- near.Shutdown(t.Context(), handles(42, 42)) }()
	hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
	if err := near.Close(); err != nil {
		t.Errorf("Close returned the error %v", err)
	}
	if err := hosttest.Receive(t, done); err != net.ErrClosed {
		t.Errorf("Shutdown returned the error %v, want net.ErrClosed", err)
	}
	wantClosed(t, near)
	wantRestAndEOF(t, far, "")
}

func TestShutdownWakesThoseWhoWait(t *testing.T) {
	calls := map[string]func(*Socket) error{
		"(*Socket).Read":         func(s *Socket) error { _, err := s.Read(make([]byte, 1)); return err },
		"(*Socket).Write":        func(s *Socket) error { _, err := s.Write(make([]byte, 4<<20)); return err },
		"(*descriptor).RawRead":  func(s *Socket) error { return s.RawRead(func(uintptr) bool { return false }) },
		"(*descriptor).RawWrite": func(s *Socket) error { return s.RawWrite(func(uintptr) bool { return false }) },
	}
	// The poller takes one call at a time for each direction.
	for _, together := range [][]string{
		{"(*Socket).Read", "(*Socket).Write"},
		{"(*descriptor).RawRead", "(*descriptor).RawWrite"},
	} {
		t.Run(strings.Join(together, " and "), func(t *testing.T) {
			near, _ := unixPair(t)
			woken := make(chan error, len(together))
			for _, call := range together {
				go func() { woken <- calls[call](near) }()
				hosttest.AwaitPolling(t, call)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- near.Shutdown(ctx, handles(42, 42)) }()
			for range together {
				if err := hosttest.Receive(t, woken); err != net.ErrClosed {
					t.Errorf("a call returned the error %v, want net.ErrClosed", err)
				}
			}
			// They do not wait for Shutdown, which goes on.
			hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
			cancel()
			if err := hosttest.Receive(t, done); err != context.Canceled {
				t.Errorf("Shutdown returned the error %v, want context.Canceled", err)
			}
		})
	}
}

func TestOnlyOneShutdownClosesASocket(t *testing.T) {
	near, _ := unixPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { first <- near.Shutdown(ctx, handles(42, 42)) }()
	hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
	if err := near.Shutdown(t.Context(), handles(42, 42)); err != net.ErrClosed {
		t.Errorf("the second returned the error %v, want net.ErrClosed", err)
	}
	cancel()
	if err := hosttest.Receive(t, first); err != context.Canceled {
		t.Errorf("the first returned the error %v, want context.Canceled", err)
	}
}
