package serial

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
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

// await returns an event of a state, counted from 0.
func (l *eventLog) await(t *testing.T, state State, number int) Event {
	t.Helper()
	hosttest.Eventually(t, "the event "+state.String(), func() bool { return len(l.of(state)) > number })
	return l.of(state)[number]
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

// wantEOF checks that a peer reads the end of the connection.
func wantEOF(t *testing.T, peer net.Conn) {
	t.Helper()
	if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the peer reads %d, %v; want io.EOF", n, err)
	}
}
