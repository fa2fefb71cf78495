package btsocket

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// handles returns a function that returns the handles in turn, for the link
// argument of Shutdown.
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

// drainAndClose reads all data from s, closes s, and returns the number of
// bytes.
func drainAndClose(s *Socket) <-chan int64 {
	read := make(chan int64, 1)
	go func() {
		n, _ := io.Copy(io.Discard, s)
		s.Close()
		read <- n
	}()
	return read
}

func TestShutdownWaitsForPeer(t *testing.T) {
	near, far := tcpPair(t)
	const sent = 1000
	if _, err := near.Write(make([]byte, sent)); err != nil {
		t.Fatal(err)
	}
	done := hosttest.InBackground(func() error { return near.Shutdown(t.Context(), handles(42, 42)) })
	hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned %v before the peer answered", err)
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

// The kernel gives up 40 s after a disconnect is queued behind data, regardless
// of the data sent since. A pair of Unix sockets counts data as queued until
// the peer has read it.
func TestShutdownDisconnectsLast(t *testing.T) {
	near, far := unixPair(t)
	data := strings.Repeat("to be read slowly ", 1000)
	if _, err := io.WriteString(near, data); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := hosttest.InBackground(func() error { return near.Shutdown(ctx, handles(42, 42)) })

	part := make([]byte, 1000)
	for read := 0; read < len(data); {
		hosttest.AwaitPolling(t, "(*Socket).awaitSent")
		if err := far.control(func(fd int) error {
			if events := PollEvents(uintptr(fd), unix.POLLRDHUP); events != 0 {
				t.Errorf("the disconnect came after %d bytes of %d: poll(2) shows %#x", read, len(data), events)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		n, err := far.Read(part)
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	if n, err := far.Read(part); n != 0 || err != io.EOF {
		t.Errorf("Read after all data returned %d, %v, want io.EOF", n, err)
	}
	hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected") // which Unix sockets never answer
	cancel()
	if err := hosttest.Receive(t, done); err != context.Canceled {
		t.Errorf("got the error %v, want context.Canceled", err)
	}
}

// The peer takes no data until Shutdown gives up. It still receives the data
// after that.
func TestShutdownGivesUpOnStalledQueue(t *testing.T) {
	near, far := unixPair(t)
	const sent = "goodbye"
	if _, err := io.WriteString(near, sent); err != nil {
		t.Fatal(err)
	}
	if near.stallLimit != stallLimit {
		t.Errorf("the limit is %v, want %v", near.stallLimit, stallLimit)
	}
	near.stallLimit = time.Millisecond
	wantErrno(t, near.Shutdown(t.Context(), handles(42, 42)), "shutdown", unix.ETIMEDOUT)
	wantClosed(t, near)
	wantRestAndEOF(t, far, sent)
}

func TestShutdownComparesLinks(t *testing.T) {
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
		"new handle":       {handles(42, 43), ErrUnconfirmed},
		"link gone":        {gone(unix.ENOTCONN), ErrUnconfirmed},
		"link not told":    {gone(unix.EMFILE), unix.EMFILE},
		"no link to begin": {func() (uint16, error) { return 0, unix.ENOTCONN }, unix.ECONNABORTED},
		"never told":       {func() (uint16, error) { return 0, unix.EAFNOSUPPORT }, unix.EAFNOSUPPORT},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := tcpPair(t)
			read := drainAndClose(far)
			err := near.Shutdown(t.Context(), tt.link)
			if !errors.Is(err, tt.want) {
				t.Errorf("got the error %v, want %v", err, tt.want)
			}
			if tt.want == ErrUnconfirmed && !errors.Is(err, unix.ECONNABORTED) {
				t.Errorf("the error %v does not match ECONNABORTED", err)
			}
			wantClosed(t, near)
			hosttest.Receive(t, read)
		})
	}
}

func TestShutdownAfterReadOfEOF(t *testing.T) {
	near, far := tcpPair(t)
	reset(t, far, near)
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("Read returned the error %v, want io.EOF", err)
	}
	wantErrno(t, near.Shutdown(t.Context(), handles(42, 42)), "shutdown", unix.ECONNRESET)
	wantClosed(t, near)
}

func TestShutdownAfterPeerClosed(t *testing.T) {
	near, far := tcpPair(t)
	reset(t, far, near)
	wantErrno(t, near.Shutdown(t.Context(), handles(42, 42)), "shutdown", unix.ECONNRESET)
	wantClosed(t, near)
}

// Neither end of a pair of Unix sockets ever answers a shutdown(2).

func TestShutdownEndsWithItsContext(t *testing.T) {
	for name, tt := range map[string]struct {
		sent string // keeps Shutdown waiting for the queue
		in   string
		make func(context.Context) (context.Context, context.CancelFunc)
	}{
		"while it sends":     {"goodbye", "(*Socket).awaitSent", context.WithCancel},
		"while it waits":     {"", "(*Socket).awaitDisconnected", context.WithCancel},
		"cancelled, a cause": {"", "(*Socket).awaitDisconnected", withCause},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := unixPair(t)
			if _, err := io.WriteString(near, tt.sent); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := tt.make(t.Context())
			done := hosttest.InBackground(func() error { return near.Shutdown(ctx, handles(42, 42)) })
			hosttest.AwaitPolling(t, tt.in)
			cancel()
			if err := hosttest.Receive(t, done); err != context.Canceled {
				t.Errorf("got the error %v, want context.Canceled", err)
			}
			wantClosed(t, near)
			wantRestAndEOF(t, far, tt.sent)
		})
	}
}

func TestShutdownEndsWhileLinkIsStuck(t *testing.T) {
	near, far := unixPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	looking, stuck := make(chan struct{}), make(chan struct{})
	defer close(stuck)
	done := make(chan error, 1)
	go func() {
		done <- near.Shutdown(ctx, func() (uint16, error) {
			close(looking)
			<-stuck
			return 42, nil
		})
	}()
	<-looking
	cancel()
	if err := hosttest.Receive(t, done); err != context.Canceled {
		t.Errorf("got the error %v, want context.Canceled", err)
	}
	wantClosed(t, near)
	wantRestAndEOF(t, far, "")
}

// withCause is context.WithCancel with a cause that is not context.Canceled.
func withCause(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, func() { cancel(errors.New("no time")) }
}

func TestShutdownAfterDeadlineCloses(t *testing.T) {
	near, far := unixPair(t)
	ctx, cancel := context.WithDeadline(t.Context(), aLongTimeAgo)
	defer cancel()
	if err := near.Shutdown(ctx, handles(42, 42)); err != context.DeadlineExceeded {
		t.Errorf("got the error %v, want context.DeadlineExceeded", err)
	}
	wantClosed(t, near)
	wantRestAndEOF(t, far, "")
}

func TestCloseEndsShutdown(t *testing.T) {
	near, far := unixPair(t)
	done := hosttest.InBackground(func() error { return near.Shutdown(t.Context(), handles(42, 42)) })
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

func TestShutdownWakesPendingCalls(t *testing.T) {
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
			done := hosttest.InBackground(func() error { return near.Shutdown(ctx, handles(42, 42)) })
			for range together {
				if err := hosttest.Receive(t, woken); err != net.ErrClosed {
					t.Errorf("a call returned the error %v, want net.ErrClosed", err)
				}
			}
			// The calls do not wait for Shutdown, which continues.
			hosttest.AwaitPolling(t, "(*Socket).Shutdown")
			cancel()
			if err := hosttest.Receive(t, done); err != context.Canceled {
				t.Errorf("Shutdown returned the error %v, want context.Canceled", err)
			}
		})
	}
}

func TestShutdownTwice(t *testing.T) {
	near, _ := unixPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := hosttest.InBackground(func() error { return near.Shutdown(ctx, handles(42, 42)) })
	hosttest.AwaitPolling(t, "(*Socket).awaitDisconnected")
	if err := near.Shutdown(t.Context(), handles(42, 42)); err != net.ErrClosed {
		t.Errorf("the second returned the error %v, want net.ErrClosed", err)
	}
	cancel()
	if err := hosttest.Receive(t, first); err != context.Canceled {
		t.Errorf("the first returned the error %v, want context.Canceled", err)
	}
}
