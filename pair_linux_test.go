package rfcomm

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hosttest"
)

// The addresses of the two ends of every pair.
var (
	nearAddr = Addr{Device: BDAddr{0x00, 0x11, 0x22, 0x33, 0x44, 0x55}, Channel: 11}
	farAddr  = Addr{Device: BDAddr{0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB}, Channel: 11}
)

// connOf returns a Conn for the connected socket fd, which it takes over.
func connOf(t testing.TB, fd int, local, remote Addr) *Conn {
	t.Helper()
	socket, err := btsocket.New(fd)
	if err != nil {
		t.Fatal(err)
	}
	return newConn(socket, local, remote)
}

// connPair returns the two ends of a connection. It is over a pair of Unix
// sockets, which show everything but what only the kernel's RFCOMM does. They
// are closed when the test ends.
func connPair(t testing.TB) (near, far *Conn) {
	t.Helper()
	a, b := hosttest.UnixPair(t)
	near, far = connOf(t, a, nearAddr, farAddr), connOf(t, b, farAddr, nearAddr)
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}
