package rfcomm_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// A lab is what the tests on real sockets stand on: two adapters of one
// machine that reach each other. Dials go from the first to the second.
type lab struct {
	*labtest.Lab
	dialer rfcomm.Dialer // from the first adapter
	near   rfcomm.BDAddr // its address
	far    rfcomm.BDAddr // the second adapter's
}

// inLab skips a test that is not run in the lab.
func inLab(t testing.TB) *lab {
	t.Helper()
	l := labtest.Require(t)
	near := rfcomm.BDAddr(l.Dialer())
	return &lab{
		Lab:    l,
		dialer: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near}},
		near:   near,
		far:    rfcomm.BDAddr(l.Device()),
	}
}

// lastChannel is the channel that listen used last. Using them in turn leaves
// each some time to close.
var lastChannel atomic.Int32

// listen listens on some channel of the second adapter.
func (l *lab) listen(t testing.TB) *rfcomm.Listener {
	t.Helper()
	return l.listenWith(t, rfcomm.ListenConfig{})
}

func (l *lab) listenWith(t testing.TB, config rfcomm.ListenConfig) *rfcomm.Listener {
	t.Helper()
	addr := l.at(int(lastChannel.Add(1)-1)%30 + 1)
	listener, err := config.ListenRFCOMM(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// at is the address of a channel of the second adapter.
func (l *lab) at(channel int) rfcomm.Addr {
	return rfcomm.Addr{Device: l.far, Channel: channel}
}

// dial connects to a listener.
func (l *lab) dial(t testing.TB, listener *rfcomm.Listener) *rfcomm.Conn {
	t.Helper()
	c, err := l.dialer.DialRFCOMM(context.Background(), addrOf(listener))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func addrOf(listener *rfcomm.Listener) rfcomm.Addr { return listener.Addr().(rfcomm.Addr) }

// accept accepts one connection.
func accept(t testing.TB, listener *rfcomm.Listener) *rfcomm.Conn {
	t.Helper()
	c, err := listener.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// connect returns the two ends of a new connection.
func (l *lab) connect(t testing.TB) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	listener := l.listen(t)
	defer listener.Close()
	dialed = l.dial(t, listener)
	return dialed, accept(t, listener)
}

// send writes all of data, or fails the test.
func send(t testing.TB, c net.Conn, data string) {
	t.Helper()
	if n, err := c.Write([]byte(data)); n != len(data) || err != nil {
		t.Fatalf("Write = %d, %v; want %d, nil", n, err, len(data))
	}
}

// receive reads as many bytes as want has, and compares.
func receive(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("reading %d bytes: %v", len(want), err)
	}
	if string(got) != want {
		t.Fatalf("read %q, want %q", got, want)
	}
}

// receiveEnd reads the end of the stream, twice, since it must stay.
func receiveEnd(t testing.TB, c net.Conn) {
	t.Helper()
	for range 2 {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("Read = %d, %v; want 0, io.EOF", n, err)
		}
	}
}

// fill writes until the peer's stack and this machine's take no more, and
// returns how much that was.
func fill(t testing.TB, c net.Conn) int {
	t.Helper()
	total := 0
	for {
		// A radio that works takes what it can well within this time.
		c.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := c.Write(make([]byte, 64<<10))
		total += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if n == 0 {
				c.SetWriteDeadline(time.Time{})
				return total
			}
			continue
		}
		if err != nil {
			t.Fatalf("filling the connection: %v", err)
		}
	}
}

// inBackground runs f and returns where its result comes out.
func inBackground[T any](f func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- f() }()
	return result
}

// leavesNothingBehind checks at the end of a test that it left no descriptor
// and no goroutine.
func leavesNothingBehind(t testing.TB) {
	t.Helper()
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	t.Cleanup(func() {
		// What was closed a moment ago may still be on its way out.
		var nowFiles, nowGoroutines int
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			nowFiles, nowGoroutines = openFiles(t), runtime.NumGoroutine()
			if nowFiles <= files && nowGoroutines <= goroutines {
				return
			}
		}
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		t.Errorf("%d descriptors and %d goroutines before, %d and %d after\n%s", files, goroutines, nowFiles, nowGoroutines, stacks)
	})
}

// openFiles counts the descriptors of this process.
func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// nearAddr is the address of a channel on the first adapter.
func (l *lab) nearAddr(channel int) rfcomm.Addr {
	return rfcomm.Addr{Device: l.near, Channel: channel}
}
