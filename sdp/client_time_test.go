package sdp

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

var (
	pastDeadline = time.Unix(1, 0)
	noDeadline   time.Time
)

// wantTimeout checks that err is the error of a passed deadline.
func wantTimeout(t *testing.T, err error) {
	t.Helper()
	hosttest.WantMatches(t, err, []error{os.ErrDeadlineExceeded}, []error{net.ErrClosed, context.Canceled})
	hosttest.WantTimeoutTemporary(t, err, true, true)
}

// wantEnded checks that the Client has closed its connection.
func wantEnded(t *testing.T, c *Client, peer *scriptedPeer) {
	t.Helper()
	<-peer.ended
	_, err := c.Services(t.Context(), SerialPort)
	hosttest.WantMatches(t, err, []error{net.ErrClosed}, []error{os.ErrDeadlineExceeded, context.Canceled})
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestClientTimeout(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"default": 0, "short": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := startPeer(t, 48, 48, silent)
				c.Timeout = timeout
				want := timeout
				if want == 0 {
					want = 10 * time.Second
				}
				start := time.Now()
				_, err := c.Search(t.Context(), []UUID{SerialPort})
				wantTimeout(t, err)
				if after := time.Since(start); after != want {
					t.Errorf("timeout after %v, want %v", after, want)
				}
				t.Log(err)
				wantEnded(t, c, peer)
			})
		})
	}
}

// Each response comes just in time, and there is no end to them.
func TestClientTimeoutMayBeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := startPeer(t, 48, 48, respond(part{bytes: []byte{0x35, 0}}))
		c.Timeout = math.MaxInt64
		if _, err := c.Search(t.Context(), []UUID{SerialPort}); err != nil {
			t.Error(err)
		}
	})
}

func TestClientTimeoutOfAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var count byte
		c, peer := startPeer(t, 48, 48, func(r request) [][]byte {
			time.Sleep(9 * time.Second)
			count++
			return respond(part{make([]byte, progress), []byte{count}})(r)
		})
		start := time.Now()
		_, err := c.Search(t.Context(), []UUID{SerialPort})
		wantTimeout(t, err)
		if after := time.Since(start); after != MaxRounds*DefaultTimeout {
			t.Errorf("timeout after %v", after)
		}
		t.Log(err)
		wantEnded(t, c, peer)
	})
}

// A response that takes 9 s is in time in every round and in every call.
func TestClientTimeoutIsPerRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := searchAnswer(testRecords(5))
		script := answerer{answer, 48, 8}.script(t)
		c, peer := startPeer(t, 48, 48, func(r request) [][]byte {
			time.Sleep(9 * time.Second)
			return script(r)
		})
		for range 2 {
			records, err := c.Search(t.Context(), []UUID{SerialPort})
			if err != nil || len(records) != 5 {
				t.Errorf("Search = %d records, %v", len(records), err)
			}
		}
		if n := peer.requests.Load(); n < 10 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestClientCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := startPeer(t, 48, 48, silent)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		_, err := c.Search(ctx, []UUID{SerialPort})
		hosttest.WantMatches(t, err, []error{context.Canceled}, []error{net.ErrClosed, os.ErrDeadlineExceeded})
		hosttest.WantTimeoutTemporary(t, err, false, false)
		if after := time.Since(start); after != time.Second {
			t.Errorf("cancelled after %v", after)
		}
		wantEnded(t, c, peer)
	})
}

func TestClientContextDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := startPeer(t, 48, 48, silent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Attributes(ctx, 1)
		wantTimeout(t, err)
		hosttest.WantMatches(t, err, []error{context.DeadlineExceeded}, nil)
		if after := time.Since(start); after != time.Second {
			t.Errorf("timeout after %v", after)
		}
		wantEnded(t, c, peer)
	})
}

// A context that ends before the request does not close the connection.
func TestClientCancelBeforeRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := startPeer(t, 48, 48, func(r request) [][]byte {
			time.Sleep(5 * time.Second)
			return respond(part{})(r)
		})
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Services(cancelled, SerialPort); !errors.Is(err, context.Canceled) {
			t.Errorf("Services with a cancelled context: %v", err)
		}
		first := hosttest.InBackground(func() error { _, err := c.Services(t.Context(), SerialPort); return err })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Services(ctx, SerialPort)
		wantTimeout(t, err)
		if after := time.Since(start); after != time.Second {
			t.Errorf("the waiting call returned after %v", after)
		}
		if err := <-first; err != nil {
			t.Errorf("the first call: %v", err)
		}
		if n := peer.requests.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestClientCloseUnblocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := startPeer(t, 48, 48, silent)
		search := func() error { _, err := c.Search(context.Background(), []UUID{SerialPort}); return err }
		first := hosttest.InBackground(search)
		synctest.Wait()
		second := hosttest.InBackground(search)
		synctest.Wait()
		start := time.Now()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		for _, call := range []<-chan error{first, second} {
			err := <-call
			hosttest.WantMatches(t, err, []error{net.ErrClosed}, []error{os.ErrDeadlineExceeded, context.Canceled})
			hosttest.WantTimeoutTemporary(t, err, false, false)
		}
		if time.Since(start) != 0 {
			t.Errorf("the calls returned after %v", time.Since(start))
		}
		wantEnded(t, c, peer)
		_, err := c.Services(t.Context(), SerialPort)
		if want := "search packets a->b: use of closed network connection"; err.Error() != want {
			t.Errorf("error after Close %q, want %q", err, want)
		}
	})
}

// The call that waits for its turn fails with the one that ends the Client.
func TestClientTimeoutEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := startPeer(t, 48, 48, silent)
		search := func() error { _, err := c.Search(context.Background(), []UUID{SerialPort}); return err }
		first := hosttest.InBackground(search)
		synctest.Wait()
		second := hosttest.InBackground(search)
		wantTimeout(t, <-first)
		err := <-second
		hosttest.WantMatches(t, err, []error{net.ErrClosed}, []error{os.ErrDeadlineExceeded})
		if want := "after an earlier error: i/o timeout"; !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
		wantEnded(t, c, peer)
		if n := peer.requests.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestClientPeerCloses(t *testing.T) {
	var peer *scriptedPeer
	c, peer := startPeer(t, 48, 48, func(request) [][]byte {
		peer.conn.Close()
		return nil
	})
	_, err := c.Search(t.Context(), []UUID{SerialPort})
	hosttest.WantMatches(t, err, []error{io.ErrUnexpectedEOF}, []error{net.ErrClosed, syscall.ECONNRESET})
	wantEnded(t, c, peer)
}

func TestNewClientConnFails(t *testing.T) {
	client, peer := hosttest.PacketPipe(48, 48)
	peer.Close()
	c := NewClient(client)
	_, err := c.Search(t.Context(), []UUID{SerialPort})
	hosttest.WantMatches(t, err, []error{syscall.ECONNRESET}, []error{net.ErrClosed})
	if want := "search packets a->b: write: connection reset by peer"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	c.Close()
}
