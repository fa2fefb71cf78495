package rfcomm

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// dialedConn returns a Conn that appears dialed from nearAddr to farAddr, and
// its peer.
func dialedConn(t *testing.T) (near, far *Conn) {
	t.Helper()
	a, b := hosttest.UnixPair(t)
	socket, err := btsocket.New(a)
	if err != nil {
		t.Fatal(err)
	}
	near, far = newDialedConn(socket, nearAddr, farAddr), connOf(t, b, farAddr, nearAddr)
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func TestConnRegistryHoldsOpenDialedConns(t *testing.T) {
	wantDialed := func(when string, local BDAddr, remote Addr, want bool) {
		t.Helper()
		if got := conns.dialed(local, remote); got != want {
			t.Errorf("%s: dialed from %v to %v is %v", when, local, remote, got)
		}
	}
	_, far := dialedConn(t)
	wantDialed("open", nearAddr.Device, farAddr, true)
	wantDialed("from any adapter", BDAddr{}, farAddr, true)
	wantDialed("from another adapter", farAddr.Device, farAddr, false)
	wantDialed("another channel", BDAddr{}, Addr{Device: farAddr.Device, Channel: farAddr.Channel + 1}, false)
	wantDialed("the accepted end", BDAddr{}, nearAddr, false)

	far.Close()
	wantDialed("closed by the peer", BDAddr{}, farAddr, false)

	near, _ := dialedConn(t)
	wantDialed("open again", BDAddr{}, farAddr, true)
	if conns.closing(BDAddr{}, farAddr) {
		t.Error("it is closing before Shutdown")
	}
	conns.markClosing(near.held)
	wantDialed("closing", BDAddr{}, farAddr, false)
	if !conns.closing(BDAddr{}, farAddr) || conns.closing(farAddr.Device, farAddr) {
		t.Error("it is not known to be closing, or from another adapter")
	}
	near.Close()
	wantDialed("closed", BDAddr{}, farAddr, false)
	if !conns.recentlyClosed(farAddr.Device) {
		t.Error("the close was not noted")
	}
}

func TestConnRegistryLosesForgottenConns(t *testing.T) {
	a, b := hosttest.UnixPair(t)
	far := connOf(t, b, farAddr, nearAddr)
	t.Cleanup(func() { far.Close() })
	held, forgotten := func() (*heldConn, weak.Pointer[Conn]) {
		socket, err := btsocket.New(a)
		if err != nil {
			t.Fatal(err)
		}
		c := newDialedConn(socket, nearAddr, farAddr)
		return c.held, weak.Make(c)
	}()
	// Cleanups run on a goroutine of the runtime, some time after a collection.
	registered := func() bool {
		conns.mu.Lock()
		defer conns.mu.Unlock()
		_, ok := conns.held[held]
		return ok
	}
	hosttest.Eventually(t, "a forgotten Conn leaves the registry", func() bool {
		runtime.GC()
		return !registered() && forgotten.Value() == nil
	})
	receiveEOF(t, far)
}

func receiveEOF(t *testing.T, c *Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("Read = %d, %v; want the end of the stream", n, err)
	}
}

func TestConnRegistryVouchesForOneLink(t *testing.T) {
	near, far := dialedConn(t)
	local, device := nearAddr.Device, farAddr.Device
	if conns.highOver(local, device, 11) {
		t.Error("the link has SecurityHigh though nothing was checked")
	}
	conns.markHigh(near.held, 11)
	if !conns.highOver(local, device, 11) {
		t.Error("the checked link is not known")
	}
	for name, vouched := range map[string]bool{
		"another handle":  conns.highOver(local, device, 12),
		"another device":  conns.highOver(local, local, 11),
		"another adapter": conns.highOver(device, device, 11),
	} {
		if vouched {
			t.Errorf("the connection vouches for %s", name)
		}
	}
	far.Close()
	if conns.highOver(local, device, 11) {
		t.Error("a connection that has ended vouches for a link")
	}
}

func TestConnRegistryRecentlyClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r connRegistry
		device, other := BDAddr{0x02, 0, 0, 0, 0, 1}, BDAddr{0x02, 0, 0, 0, 0, 2}
		want := func(when string, device BDAddr, want bool) {
			t.Helper()
			if got := r.recentlyClosed(device); got != want {
				t.Errorf("%s: %v", when, got)
			}
		}
		want("before", device, false)
		r.justClosed(device)
		want("at once", device, true)
		want("another device", other, false)
		time.Sleep(3 * time.Second)
		want("after three seconds", device, true)
		time.Sleep(time.Nanosecond)
		want("later", device, false)

		r.justClosed(other) // drops the expired one
		if _, kept := r.closed[device]; kept {
			t.Error("an expired close is kept")
		}
	})
}
