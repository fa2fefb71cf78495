package serial

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestDeviceCarriesEveryByteBothWays(t *testing.T) {
	d, peer := newCable(t).open(t, DeviceOptions{})
	if d.Kind() != PTY {
		t.Errorf("the kind is %v", d.Kind())
	}
	program := openProgram(t, d.Name())
	data := everyByte(4 << 20)
	ends := []io.ReadWriter{program, peer}
	var group sync.WaitGroup
	for i := range ends {
		group.Go(func() {
			if _, err := ends[i].Write(data); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			sum := sha256.New()
			n, err := io.CopyN(sum, ends[i], int64(len(data)))
			if want := sha256.Sum256(data); !slices.Equal(sum.Sum(nil), want[:]) {
				t.Errorf("end %d has read %d other bytes, %v", i, n, err)
			}
		})
	}
	group.Wait()
	want := Stats{Connections: 1, Sent: int64(len(data)), Received: int64(len(data))}
	hosttest.Eventually(t, "the last byte is counted", func() bool { return d.Stats() == want })
}

func TestDeviceEndsWithConnection(t *testing.T) {
	var e eventLog
	d, peer := newCable(t).open(t, DeviceOptions{Report: e.report})
	program := openProgram(t, d.Name())
	send(t, peer, "last words")
	peer.Close()
	hosttest.AwaitSelecting(t, "(*ptyNode).drain")
	wantText(t, program, "last words")
	wantHangUp(t, program)
	if err := d.Wait(); err != io.EOF {
		t.Errorf("Wait: %v, want io.EOF", err)
	}
	e.wantStates(t, StateOpen, StateConnected, StateDisconnected, StateClosed)
	if got := e.await(t, StateClosed, 0); got.Err != io.EOF || got.Name != d.Name() {
		t.Errorf("closed: %+v", got)
	}
}

func TestDeviceWaitReturnsErrno(t *testing.T) {
	d, peer := newCable(t).open(t, DeviceOptions{})
	peer.SetLinger(0)
	peer.Close()
	if err := d.Wait(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Wait: %v, want ECONNRESET", err)
	}
}

func TestDeviceCloseSendsWrittenData(t *testing.T) {
	hosttest.LeavesNothingBehind(t, func() {
		c := newCable(t)
		defer c.listener.Close()
		d, peer := c.open(t, DeviceOptions{})
		program := openProgram(t, d.Name())
		send(t, program, "last words")
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		wantText(t, peer, "last words")
		wantEOF(t, peer)
		wantHangUp(t, program)
		program.Close()
		peer.Close()
		if err := d.Wait(); err != nil {
			t.Errorf("Wait: %v", err)
		}
		if err := d.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

// A slowConn accepts no data until its write deadline is set.
type slowConn struct {
	net.Conn
	writing, accepting chan struct{}
}

func (c *slowConn) Write(p []byte) (int, error) {
	select {
	case c.writing <- struct{}{}:
	default:
	}
	<-c.accepting
	return c.Conn.Write(p)
}

func (c *slowConn) SetWriteDeadline(d time.Time) error {
	close(c.accepting)
	return c.Conn.SetWriteDeadline(d)
}

func TestDeviceCloseSendsQueuedData(t *testing.T) {
	c := newCable(t)
	slow := &slowConn{writing: make(chan struct{}, 1), accepting: make(chan struct{})}
	d, err := Open(t.Context(), &DeviceOptions{Connect: func(ctx context.Context) (conn net.Conn, err error) {
		slow.Conn, err = c.connect(ctx)
		return slow, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	peer := c.peer(t)
	program := openProgram(t, d.Name())
	send(t, program, "sent, ")
	hosttest.Receive(t, slow.writing)
	send(t, program, "queued")
	d.Close()
	wantText(t, peer, "sent, queued")
	wantEOF(t, peer)
}

func TestDeviceKeepReconnects(t *testing.T) {
	var e eventLog
	c := newCable(t)
	path := filepath.Join(t.TempDir(), "gps")
	d, peer := c.open(t, DeviceOptions{Keep: true, Link: path, Report: e.report})
	if d.Name() != path {
		t.Errorf("the name is %q", d.Name())
	}
	first := openProgram(t, path)
	send(t, first, "one")
	wantText(t, peer, "one")
	peer.Close()
	wantHangUp(t, first)
	// The program opens the path again before the Device has connected.
	second := openProgram(t, path)
	first.Close()
	send(t, second, "lost")
	e.await(t, StateDiscarding, 0)
	peer = c.peer(t)
	if got := e.await(t, StateConnected, 1); got.Discarded != 4 {
		t.Errorf("%d bytes were discarded, want 4", got.Discarded)
	}
	send(t, second, "two")
	wantText(t, peer, "two")
	send(t, peer, "three")
	wantText(t, second, "three")
	if got := e.await(t, StateRetrying, 0); got.Err != io.EOF || got.Delay != firstDelay {
		t.Errorf("retrying: %+v", got)
	}
	if got := d.Stats(); got.Discarded != 4 || got.Connections != 2 {
		t.Errorf("%+v", got)
	}
	d.Close()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the link remains: %v", err)
	}
}

func TestDeviceHoldKeepsData(t *testing.T) {
	var e eventLog
	c := newCable(t)
	d, peer := c.open(t, DeviceOptions{Keep: true, Hold: 10, Report: e.report})
	peer.Close()
	opened := e.await(t, StateOpen, 1)
	program := openProgram(t, opened.Name)
	send(t, program, "0123456789lost")
	hosttest.Eventually(t, "4 bytes are discarded", func() bool { return d.Stats().Discarded == 4 })
	peer = c.peer(t)
	wantText(t, peer, "0123456789")
	send(t, program, "more")
	wantText(t, peer, "more")
}

// The end of a connection must be noticed even if programs do not read.
func TestDeviceNoticesEndWithoutReader(t *testing.T) {
	d, peer := newCable(t).open(t, DeviceOptions{})
	send(t, peer, string(make([]byte, 64<<10))) // more than a pty holds, less than a socket
	peer.Close()
	if err := d.Wait(); err != io.EOF {
		t.Errorf("Wait: %v, want io.EOF", err)
	}
}

func TestDeviceKeepsDataWhileClosed(t *testing.T) {
	d, peer := newCable(t).open(t, DeviceOptions{})
	send(t, peer, "greeting")
	hosttest.Eventually(t, "the pty has the data", func() bool { return d.Stats().Received == 8 })
	for range 3 {
		program := openProgram(t, d.Name())
		send(t, program, "x")
		wantText(t, peer, "x")
		program.Close()
	}
	wantText(t, openProgram(t, d.Name()), "greeting")
}

func TestOpenReturnsErrorOfConnect(t *testing.T) {
	want := errors.New("refused")
	path := filepath.Join(t.TempDir(), "link")
	d, err := Open(t.Context(), &DeviceOptions{Link: path, Connect: func(context.Context) (net.Conn, error) { return nil, want }})
	if d != nil || !errors.Is(err, want) {
		t.Errorf("got %v, %v", d, err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the link remains: %v", err)
	}
}
