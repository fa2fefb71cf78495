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

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A cable is a Connect function for tests: each connection is one end of a TCP
// connection, and the test takes the other end from peers.
type cable struct {
	listener net.Listener
	peers    chan net.Conn
}

func newCable(t *testing.T) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{listener: listener, peers: make(chan net.Conn, 100)}
	go func() {
		for {
			peer, err := listener.Accept()
			if err != nil {
				return
			}
			c.peers <- peer
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return c
}

func (c *cable) connect(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", c.listener.Addr().String())
}

// peer returns the other end of the next connection.
func (c *cable) peer(t *testing.T) *net.TCPConn {
	t.Helper()
	peer := hosttest.Receive(t, c.peers)
	t.Cleanup(func() { peer.Close() })
	return peer.(*net.TCPConn)
}

// open opens a Device until the end of the test, and returns the peer of its
// first connection.
func (c *cable) open(t *testing.T, o DeviceOptions) (*Device, *net.TCPConn) {
	t.Helper()
	o.Connect = c.connect
	d, err := Open(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, c.peer(t)
}

// events collects reports.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (e *events) report(event Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
}

// await returns the first event of a state, counted from 0.
func (e *events) await(t *testing.T, state State, number int) (found Event) {
	t.Helper()
	hosttest.Eventually(t, "the event "+state.String(), func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		seen := 0
		for _, event := range e.all {
			if event.State != state {
				continue
			}
			if seen == number {
				found = event
				return true
			}
			seen++
		}
		return false
	})
	return found
}

func (e *events) states() (states []State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.all {
		states = append(states, event.State)
	}
	return states
}

// openProgram opens a device as a program does.
func openProgram(t *testing.T, name string) *os.File {
	t.Helper()
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatalf("opening %s: %v", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { f.Close() })
	return f
}

func send(t *testing.T, w io.Writer, data string) {
	t.Helper()
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); string(got) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

// everyByte returns data with each byte value in each order of two.
func everyByte(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * (i>>8 | 1))
	}
	return data
}

// wantHangUp checks that a program is hung up.
func wantHangUp(t *testing.T, program *os.File) {
	t.Helper()
	data := make([]byte, 100)
	n, err := program.Read(data)
	if n != 0 || err != io.EOF && !errors.Is(err, syscall.EIO) {
		t.Errorf("read %q, %v; want a hang-up", data[:n], err)
	}
}

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
	var e events
	d, peer := newCable(t).open(t, DeviceOptions{Report: e.report})
	program := openProgram(t, d.Name())
	send(t, peer, "last words")
	peer.Close()
	receive(t, program, "last words")
	wantHangUp(t, program)
	if err := d.Wait(); err != io.EOF {
		t.Errorf("Wait: %v, want io.EOF", err)
	}
	want := []State{StateOpen, StateConnected, StateDisconnected, StateClosed}
	if got := e.states(); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
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
		receive(t, peer, "last words")
		if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the peer reads %d, %v", n, err)
		}
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

func TestDeviceKeepReconnects(t *testing.T) {
	var e events
	c := newCable(t)
	path := filepath.Join(t.TempDir(), "gps")
	d, peer := c.open(t, DeviceOptions{Keep: true, Link: path, Report: e.report})
	if d.Name() != path {
		t.Errorf("the name is %q", d.Name())
	}
	first := openProgram(t, path)
	send(t, first, "one")
	receive(t, peer, "one")
	peer.Close()
	wantHangUp(t, first)
	// The program opens the path again while there is no connection.
	second := openProgram(t, path)
	first.Close()
	send(t, second, "lost")
	e.await(t, StateDiscarding, 0)
	peer = c.peer(t)
	if got := e.await(t, StateConnected, 1); got.Discarded != 4 {
		t.Errorf("%d bytes were discarded, want 4", got.Discarded)
	}
	send(t, second, "two")
	receive(t, peer, "two")
	send(t, peer, "three")
	receive(t, second, "three")
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
	var e events
	c := newCable(t)
	d, peer := c.open(t, DeviceOptions{Keep: true, Hold: 10, Report: e.report})
	peer.Close()
	opened := e.await(t, StateOpen, 1)
	program := openProgram(t, opened.Name)
	send(t, program, "0123456789lost")
	hosttest.Eventually(t, "4 bytes are discarded", func() bool { return d.Stats().Discarded == 4 })
	peer = c.peer(t)
	receive(t, peer, "0123456789")
	send(t, program, "more")
	receive(t, peer, "more")
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
		receive(t, peer, "x")
		program.Close()
	}
	receive(t, openProgram(t, d.Name()), "greeting")
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
