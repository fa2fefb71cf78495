// Package conntest makes RFCOMM connections between two adapters of this machine,
// and transfers data over them, for tests in the lab. The adapters are those of
// package labtest or rfcommtest.
package conntest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// AddrOf returns the address of a listener.
func AddrOf(l net.Listener) rfcomm.Addr { return l.Addr().(rfcomm.Addr) }

// Listen listens on the next channel of an adapter until the end of the test.
func Listen(t testing.TB, device rfcomm.BDAddr) *rfcomm.Listener {
	t.Helper()
	return ListenWith(t, rfcomm.ListenConfig{}, device)
}

// ListenWith is like Listen but takes a ListenConfig.
func ListenWith(t testing.TB, config rfcomm.ListenConfig, device rfcomm.BDAddr) *rfcomm.Listener {
	t.Helper()
	return listen(t, config, rfcomm.Addr{Device: device, Channel: labtest.NextChannel()})
}

// ListenAt listens on an address until the end of the test.
func ListenAt(t testing.TB, address rfcomm.Addr) *rfcomm.Listener {
	t.Helper()
	return listen(t, rfcomm.ListenConfig{}, address)
}

func listen(t testing.TB, config rfcomm.ListenConfig, address rfcomm.Addr) *rfcomm.Listener {
	t.Helper()
	l, err := config.ListenRFCOMM(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Accept returns the next connection of a listener, and closes it at the end of
// the test.
func Accept(t testing.TB, l *rfcomm.Listener) *rfcomm.Conn {
	t.Helper()
	c, err := l.AcceptRFCOMM()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// dialTimeout limits a dial that must succeed. It exceeds the time after which
// the kernel gives up.
const dialTimeout = time.Minute

// Dial connects an adapter to a listener, and closes the connection at the end
// of the test.
func Dial(t testing.TB, from rfcomm.BDAddr, to net.Addr) *rfcomm.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), dialTimeout)
	defer cancel()
	c, err := DialContext(ctx, from, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// DialContext is like Dial but returns the error, and does not close the
// connection.
func DialContext(ctx context.Context, from rfcomm.BDAddr, to net.Addr) (*rfcomm.Conn, error) {
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from}}
	return d.DialRFCOMM(ctx, to.(rfcomm.Addr))
}

// Pair returns the two ends of a new connection between two adapters, and
// closes them at the end of the test.
func Pair(t testing.TB, from, to rfcomm.BDAddr) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	l := Listen(t, to)
	defer l.Close()
	dialed = Dial(t, from, l.Addr())
	return dialed, Accept(t, l)
}
