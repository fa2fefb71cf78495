package rfcomm

import (
	"io"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestConnPairsLeaveNothingBehind(t *testing.T) {
	connPair(t) // opens the descriptors of the runtime's poller, which stay open
	data := make([]byte, tooMuch)
	pairs := 500
	if testing.Short() {
		pairs = 100
	}
	hosttest.LeavesNothingBehind(t, func() {
		for range pairs {
			a, b := hosttest.UnixPair(t)
			near, far := connOf(t, a, nearAddr, farAddr), connOf(t, b, farAddr, nearAddr)
			results := make(chan error, 2)
			go func() { _, err := near.Read(make([]byte, 1)); results <- err }()
			go func() { _, err := near.Write(data); results <- err }()
			if _, err := far.Read(make([]byte, 100)); err != nil { // Write has begun
				t.Error(err)
			}
			near.Close()
			far.Close()
			for range 2 {
				if err := hosttest.Receive(t, results); err == nil {
					t.Error("a closed Conn went on")
				}
			}
		}
	})
}

func TestConnIsClosedWhenForgotten(t *testing.T) {
	a, b := hosttest.UnixPair(t)
	far := connOf(t, b, farAddr, nearAddr)
	defer far.Close()
	connOf(t, a, nearAddr, farAddr)

	wantEndAfterCollection(t, waitingRead(t, far))
}

// No value returned by a Conn keeps it open.
func TestConnIsForgottenDespiteItsParts(t *testing.T) {
	for name, take := range map[string]func(*Conn) any{
		"LocalAddr":  func(c *Conn) any { return c.LocalAddr() },
		"RemoteAddr": func(c *Conn) any { return c.RemoteAddr() },
		"error": func(c *Conn) any {
			c.SetReadDeadline(longAgo)
			_, err := c.Read(make([]byte, 1))
			return err
		},
		"error of the raw connection": func(c *Conn) any {
			raw, _ := c.SyscallConn()
			c.SetReadDeadline(longAgo)
			return raw.Read(func(uintptr) bool { return false })
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := hosttest.UnixPair(t)
			far := connOf(t, b, farAddr, nearAddr)
			defer far.Close()
			kept := take(connOf(t, a, nearAddr, farAddr))

			wantEndAfterCollection(t, waitingRead(t, far))
			runtime.KeepAlive(kept)
		})
	}
}

// wantEndAfterCollection checks that the read of a peer ends when the
// connection or listener at the other end, to which no references remain, is
// collected as garbage.
func wantEndAfterCollection(t *testing.T, read <-chan transferred) {
	t.Helper()
	hosttest.Eventually(t, "the peer reads the end", func() bool {
		runtime.GC()
		select {
		case got := <-read:
			if got.err != io.EOF {
				t.Errorf("it read the error %v, want io.EOF", got.err)
			}
			return true
		default:
			return false
		}
	})
}

func TestConnInUseIsNotForgotten(t *testing.T) {
	a, b := hosttest.UnixPair(t)
	far := connOf(t, b, farAddr, nearAddr)
	defer far.Close()
	read := waitingRead(t, connOf(t, a, nearAddr, farAddr))
	for range 5 {
		runtime.GC()
	}
	if _, err := io.WriteString(far, "hello"); err != nil {
		t.Error(err)
	}
	if got := hosttest.Receive(t, read); got != (transferred{n: len("hello")}) {
		t.Errorf("Read returned %d, %v", got.n, got.err)
	}
}

func TestConnReadAndWriteAllocateNothing(t *testing.T) {
	near, far := connPair(t)
	buf := make([]byte, 1000)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := near.Write(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := far.Read(buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConnPendingReadAllocatesNothing(t *testing.T) {
	near, far := connPair(t)
	go io.CopyBuffer(struct{ io.Writer }{far}, struct{ io.Reader }{far}, make([]byte, 1000))
	buf := make([]byte, 1000)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := near.Write(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(near, buf); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestConnKeepsNoBuffer(t *testing.T) {
	for name, use := range map[string]func(near, far *Conn, buf []byte){
		"Read": func(near, far *Conn, buf []byte) {
			far.Write([]byte("hello"))
			near.Read(buf)
		},
		"Read of the end": func(near, far *Conn, buf []byte) {
			far.Close()
			near.Read(buf)
		},
		"Read past its deadline": func(near, _ *Conn, buf []byte) {
			near.SetReadDeadline(longAgo)
			near.Read(buf)
		},
		"Write": func(near, _ *Conn, buf []byte) { near.Write(buf) },
		"Write to a closed peer": func(near, far *Conn, buf []byte) {
			far.Close()
			near.Write(buf)
		},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := connPair(t)
			var collected atomic.Bool
			buf := make([]byte, 1000)
			runtime.AddCleanup(&buf[0], func(*int) { collected.Store(true) }, nil)
			use(near, far, buf)
			hosttest.Eventually(t, "the buffer is collected as garbage", func() bool {
				runtime.GC()
				return collected.Load()
			})
			runtime.KeepAlive(near)
		})
	}
}
