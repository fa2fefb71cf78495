package rfcommtest_test

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

func TestLinkPairEncrypts(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
	encrypted(t, b, a)
}

// The pairs have controllers in common, and each pairing needs both
// controllers.
func TestLinkPairAtOnce(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	c := r.Controllers()
	var group sync.WaitGroup
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 0}, {1, 0}} {
		group.Go(func() {
			if err := r.Link(c[pair[0]], c[pair[1]]).Pair(); err != nil {
				t.Errorf("%d with %d: %v", pair[0], pair[1], err)
			}
		})
	}
	group.Wait()
	encrypted(t, c[0], c[1])
	encrypted(t, c[2], c[0])
}

// Once an adapter has been paired, the kernel also asks an agent about its
// pairings with other adapters.
func TestLinkPairWithThirdController(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	c := r.Controllers()
	if err := r.Link(c[0], c[1]).Pair(); err != nil {
		t.Fatal(err)
	}
	if err := r.Link(c[1], c[2]).Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, c[1], c[2])
	encrypted(t, c[0], c[1])
}

// A controller that was unplugged has lost its key, and the other one still has
// its key.
func TestLinkPairAgain(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	for range 2 {
		if err := r.Link(a, b).Pair(); err != nil {
			t.Fatal(err)
		}
	}
	encrypted(t, a, b)
	endLink(t, r.Link(a, b), a)
	if err := errors.Join(b.Unplug(), b.Plug()); err != nil {
		t.Fatal(err)
	}
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
}

// encrypted checks that two controllers can have an encrypted connection.
func encrypted(t *testing.T, a, b *rfcommtest.Controller) {
	t.Helper()
	l := conntest.ListenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium}, b.Addr())
	defer l.Close()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.Addr()}, Security: rfcomm.SecurityMedium, Timeout: time.Minute}
	c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(l))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got, err := c.Security(); got != rfcomm.SecurityMedium || err != nil {
		t.Errorf("Security = %v, %v; want medium", got, err)
	}
}

// dialAt dials a new listener of b at a level, which the listener does not
// require.
func dialAt(t *testing.T, level rfcomm.Security, a, b *rfcommtest.Controller) (*rfcomm.Conn, error) {
	t.Helper()
	l := listen(t, b)
	defer l.Close()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.Addr()}, Security: level, Timeout: time.Minute}
	return d.DialRFCOMM(t.Context(), conntest.AddrOf(l))
}

// notEncrypted checks that two controllers cannot have an encrypted connection.
func notEncrypted(t *testing.T, a, b *rfcommtest.Controller) {
	t.Helper()
	began := time.Now()
	c, err := dialAt(t, rfcomm.SecurityMedium, a, b)
	t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.EBADE) {
		t.Errorf("a dial at medium: %v, want EACCES or EBADE", err)
	}
}

func TestLinkUnpair(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if err := errors.Join(link.Unpair(), link.Pair()); err != nil {
		t.Fatal(err)
	}
	dialed, accepted := connect(t, a, b)
	if err := link.Unpair(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*rfcomm.Conn{dialed, accepted} {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a read succeeds after Unpair")
		}
	}
	if link.Disconnect(rfcommtest.RemoteUserTerminated) {
		t.Error("Unpair has not ended the link")
	}

	// Without a key and a common PIN the adapters cannot pair.
	if err := errors.Join(a.SetSimplePairing(false), a.SetPIN("1234")); err != nil {
		t.Fatal(err)
	}
	notEncrypted(t, a, b)
	notEncrypted(t, b, a)
	endLink(t, link, a)
	if err := a.SetSimplePairing(true); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b) // the agent confirms
	if err := link.Pair(); err != nil {
		t.Fatal(err)
	}
}

// The other end still has its key. The kernel does not replace it.
func TestLinkUnpairAtOneEnd(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if err := errors.Join(link.Pair(), link.Unpair(b)); err != nil {
		t.Fatal(err)
	}
	notEncrypted(t, a, b)
	if err := link.Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)

	endLink(t, link, a)
	if err := errors.Join(b.Unplug(), link.Unpair()); err != nil {
		t.Fatal(err)
	}
	if err := b.Plug(); err != nil {
		t.Fatal(err)
	}
	if err := link.SpoilKey(a); err == nil || !strings.Contains(err.Error(), "no bond") {
		t.Errorf("after Unpair with an unplugged controller: %v", err)
	}
}

// The kernel pairs and unpairs only adapters that are up.
func TestLinkPairWhileDown(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if err := link.Pair(); err != nil {
		t.Fatal(err)
	}
	endLink(t, link, a)
	if err := b.Down(); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"Pair": link.Pair, "Pair from the other end": r.Link(b, a).Pair, "Unpair": func() error { return link.Unpair(b) },
	} {
		if err := do(); err == nil {
			t.Errorf("%s succeeds", name)
		}
	}
	if err := errors.Join(b.Up(), link.Pair()); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
}

func TestLinkUnpairKeepsOtherBonds(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	c := r.Controllers()
	if err := errors.Join(r.Link(c[0], c[1]).Pair(), r.Link(c[0], c[2]).Pair(), r.Link(c[0], c[1]).Unpair(),
		c[0].SetSimplePairing(false), c[0].SetPIN("1234")); err != nil {
		t.Fatal(err)
	}
	encrypted(t, c[0], c[2])
	notEncrypted(t, c[0], c[1])
}

func TestLinkSpoilKey(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	a, b, third := r.Controllers()[0], r.Controllers()[1], r.Controllers()[2]
	link := r.Link(a, b)
	if err := link.SpoilKey(a); err == nil || !strings.Contains(err.Error(), "no bond") {
		t.Errorf("without a bond: %v", err)
	}
	if err := errors.Join(r.Link(a, third).Pair(), r.Link(b, third).Pair()); err != nil {
		t.Fatal(err)
	}
	for _, at := range []*rfcommtest.Controller{a, b} {
		if err := link.Pair(); err != nil {
			t.Fatal(err)
		}
		dialed, accepted := connect(t, a, b)
		if err := link.SpoilKey(at); err != nil {
			t.Fatal(err)
		}
		pass(t, dialed, accepted)
		endLink(t, link, a)
		notEncrypted(t, a, b)
		notEncrypted(t, b, a)
		encrypted(t, at, third)
	}
	if err := errors.Join(link.Pair(), link.Unpair()); err != nil {
		t.Fatal(err)
	}
	if err := link.SpoilKey(a); err == nil || !strings.Contains(err.Error(), "no bond") {
		t.Errorf("after Unpair: %v", err)
	}
}

// The wrong key is stored, so it outlives a power cycle. A controller that was
// unplugged has no key.
func TestLinkSpoilKeyOutlivesDown(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if err := errors.Join(link.Pair(), link.SpoilKey(b)); err != nil {
		t.Fatal(err)
	}
	endLink(t, link, a)
	if err := errors.Join(b.Down(), b.Up()); err != nil {
		t.Fatal(err)
	}
	notEncrypted(t, a, b)
	endLink(t, link, a)
	if err := b.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := link.SpoilKey(b); err == nil || !strings.Contains(err.Error(), "unplugged") {
		t.Errorf("while unplugged: %v", err)
	}
	if err := errors.Join(b.Plug(), link.Pair()); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
}
