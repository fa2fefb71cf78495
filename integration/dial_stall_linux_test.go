package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// While a link stalls with full queues, the kernel holds rfcomm_mutex:
// connect(2), shutdown(2) and close(2) block for every RFCOMM socket of the
// machine. The methods of this module must return nevertheless, before the
// stall ends.
func TestDialAndCloseReturnDuringStall(t *testing.T) {
	l := inLab(t)
	hosttest.CheckLeaksAtEnd(t)
	stalled, peer := l.connect(t)
	// The credits of one connection are not enough to fill the queue of the
	// session's L2CAP channel, on which the kernel waits while it holds its
	// lock (rfcomm_send_frame).
	var crowd, crowdsPeers []*rfcomm.Conn
	for range 3 {
		c, other := l.connect(t)
		crowd, crowdsPeers = append(crowd, c), append(crowdsPeers, other)
	}
	bystander, bystandersPeer := l.connect(t)
	shut, shutsPeer := l.connect(t)
	listener := l.listen(t)
	waiting := l.dial(t, listener) // never accepted

	l.Stall()
	// A dial that waits for the peer: it must close its socket when its context
	// ends, at which time close(2) blocks.
	pendingCtx, endPending := context.WithCancel(t.Context())
	pending := hosttest.InBackground(func() error {
		_, err := l.dialer.DialRFCOMM(pendingCtx, l.farAddr((conntest.AddrOf(listener).Channel+1)%30+1))
		return err
	})
	hosttest.AwaitPolling(t, "(*Socket).awaitConnected")
	conntest.Fill(t, stalled)
	for _, c := range crowd {
		conntest.Fill(t, c)
	}
	stuckEnds := connectIsStuck(t, l)

	// A dial.
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{})
	d := l.dialer
	d.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		close(started)
		return nil
	}
	dialed := hosttest.InBackground(func() error {
		_, err := d.DialRFCOMM(ctx, l.farAddr(conntest.AddrOf(listener).Channel%30+1))
		return err
	})
	<-started
	cancel()
	if err := <-dialed; !errors.Is(err, context.Canceled) {
		t.Errorf("dial: %v, want context.Canceled", err)
	}

	endPending()
	if err := <-pending; !errors.Is(err, context.Canceled) {
		t.Errorf("pending dial: %v, want context.Canceled", err)
	}

	// A close, with a reader to wake.
	read := hosttest.InBackground(func() error {
		_, err := bystander.Read(make([]byte, 1))
		return err
	})
	if err := bystander.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read: %v, want net.ErrClosed", err)
	}

	// A shutdown.
	ctx, cancel = context.WithCancel(t.Context())
	shutdown := hosttest.InBackground(func() error { return shut.Shutdown(ctx) })
	cancel()
	if err := <-shutdown; !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v, want context.Canceled", err)
	}

	// A listener with a connection in its queue.
	if err := listener.Close(); err != nil {
		t.Errorf("closing the listener: %v", err)
	}

	// The stalled connection itself, with a writer to wake.
	wrote := hosttest.InBackground(func() error {
		_, err := stalled.Write(make([]byte, 1))
		return err
	})
	if err := stalled.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := <-wrote; !errors.Is(err, net.ErrClosed) {
		t.Errorf("write: %v, want net.ErrClosed", err)
	}

	l.Resume()
	stuckEnds()
	for _, c := range crowd {
		c.Close()
	}
	for _, c := range append(crowdsPeers, peer, bystandersPeer, shutsPeer, waiting) {
		io.Copy(io.Discard, c)
		c.Close()
	}
}

// connectIsStuck checks that connect(2) blocks, the condition that the test is
// about. The returned function waits until that call returns.
func connectIsStuck(t *testing.T, l *lab) (wait func()) {
	t.Helper()
	fd := rawSocket(t)
	thread := make(chan int)
	done := hosttest.InBackground(func() error {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		thread <- unix.Gettid()
		defer unix.Close(fd)
		return unix.Connect(fd, sockaddr(l.farAddr(30)))
	})
	state := fmt.Sprintf("/proc/self/task/%d/stat", <-thread)
	for {
		select {
		case err := <-done:
			t.Fatalf("connect(2) returned %v: the kernel's lock is free", err)
		default:
		}
		// "pid (name) state …"; D is the uninterruptible sleep of a mutex.
		stat, err := os.ReadFile(state)
		if err != nil {
			t.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(after, "D") {
			return func() { <-done }
		}
	}
}
