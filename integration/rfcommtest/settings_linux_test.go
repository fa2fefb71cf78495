package rfcommtest_test

import (
	"errors"
	"sync"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// level dials at a level and returns the level of the connection, whose link it
// then ends.
func level(t *testing.T, r *rfcommtest.Radio, at rfcomm.Security, a, b *rfcommtest.Controller) rfcomm.Security {
	t.Helper()
	c, err := dialAt(t, at, a, b)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer c.Close()
	got, err := c.Security()
	if err != nil {
		t.Error(err)
	}
	endLink(t, r.Link(a, b), a)
	return got
}

func TestControllerSetSimplePairing(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	wantLow := func(want rfcomm.Security) {
		t.Helper()
		if got := level(t, r, rfcomm.SecurityLow, a, b); got != want {
			t.Errorf("a dial at low has the level %v, want %v", got, want)
		}
	}
	set := func(c *rfcommtest.Controller, on bool) {
		t.Helper()
		if err := c.SetSimplePairing(on); err != nil {
			t.Error(err)
		}
	}
	wantLow(rfcomm.SecurityLow)
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
	endLink(t, r.Link(a, b), a)
	wantLow(rfcomm.SecurityMedium)
	set(b, false)
	wantLow(rfcomm.SecurityLow)
	encrypted(t, a, b) // the keys stay valid
	endLink(t, r.Link(a, b), a)
	set(b, true)
	wantLow(rfcomm.SecurityMedium)
	set(a, false)
	if err := r.Link(a, b).Unpair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b) // by the PIN
	set(a, true)
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
}

func TestControllerSetSimplePairingUnplugged(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	if err := errors.Join(a.SetSimplePairing(true), b.Unplug(), b.SetSimplePairing(true), b.Plug()); err != nil {
		t.Fatal(err)
	}
	if got := level(t, r, rfcomm.SecurityLow, a, b); got != rfcomm.SecurityMedium {
		t.Errorf("on while unplugged: a dial at low has the level %v", got)
	}
	if err := errors.Join(b.Down(), b.SetSimplePairing(false), b.Up()); err != nil {
		t.Fatal(err)
	}
	if got := level(t, r, rfcomm.SecurityLow, a, b); got != rfcomm.SecurityLow {
		t.Errorf("off while down: a dial at low has the level %v", got)
	}
	if err := errors.Join(b.Unplug(), b.Plug()); err != nil {
		t.Fatal(err)
	}
	if got := level(t, r, rfcomm.SecurityLow, a, b); got != rfcomm.SecurityLow {
		t.Errorf("off while plugged in: a dial at low has the level %v", got)
	}
}

func TestControllerSetPIN(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	set := func(c *rfcommtest.Controller, pin string) {
		t.Helper()
		if err := c.SetPIN(pin); err != nil {
			t.Error(err)
		}
	}
	set(a, "1234")
	set(b, "1235")
	notEncrypted(t, a, b)
	if err := b.Unplug(); err != nil {
		t.Fatal(err)
	}
	set(b, "1234")
	if err := b.Plug(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
	endLink(t, r.Link(a, b), a)
	const longest = "0123456789abcdef"
	set(b, longest)
	encrypted(t, b, a) // by the key
	if err := r.Link(a, b).Unpair(); err != nil {
		t.Fatal(err)
	}
	notEncrypted(t, b, a)
	set(a, longest)
	encrypted(t, b, a)
}

// An HC-05 has a PIN and no simple pairing.
func TestLinkPairByPIN(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	if err := errors.Join(b.SetSimplePairing(false), b.SetPIN("1234")); err != nil {
		t.Fatal(err)
	}
	if err := link.Pair(); err == nil {
		t.Error("Pair succeeds although the PINs differ")
	}
	if err := errors.Join(a.SetPIN("1234"), link.Pair()); err != nil {
		t.Fatal(err)
	}
	endLink(t, link, a)
	for _, at := range []rfcomm.Security{rfcomm.SecurityLow, rfcomm.SecurityMedium} {
		if got := level(t, r, at, a, b); got != at {
			t.Errorf("a dial at %v has the level %v", at, got)
		}
	}
}

func TestControllerSetScan(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	l := listen(t, b)
	check := func(when string, want rfcommtest.Scan) {
		t.Helper()
		adapter, err := rfcomm.AdapterByName(b.Name())
		if err != nil {
			t.Fatal(err)
		}
		page, inquiry := want&rfcommtest.PageScan != 0, want&rfcommtest.InquiryScan != 0
		if adapter.PageScan != page || adapter.InquiryScan != inquiry {
			t.Errorf("%s: %+v, want page scan %v, inquiry scan %v", when, adapter, page, inquiry)
		}
		c, err := dial(t.Context(), a, l)
		if err == nil {
			c.Close()
		}
		if page != (err == nil) || !page && !errors.Is(err, syscall.EHOSTDOWN) {
			t.Errorf("%s: a dial: %v", when, err)
		}
		endLink(t, r.Link(a, b), a)
	}
	all := []rfcommtest.Scan{0, rfcommtest.InquiryScan, rfcommtest.PageScan, rfcommtest.InquiryScan | rfcommtest.PageScan}
	check("at first", all[3])
	for _, scan := range all {
		if err := b.SetScan(scan); err != nil {
			t.Error(err)
		}
		check("at once", scan)
	}
	for i, change := range []struct {
		name      string
		go_, come func() error
	}{
		{"down", b.Down, b.Up},
		{"unplugged", b.Unplug, b.Plug},
	} {
		if err := errors.Join(change.go_(), b.SetScan(all[i]), change.come()); err != nil {
			t.Fatal(err)
		}
		check(change.name, all[i])
		if err := errors.Join(change.go_(), change.come()); err != nil {
			t.Fatal(err)
		}
		check("again", all[i])
	}
	if err := r.Link(a, b).Pair(); err != nil {
		t.Fatal(err)
	}
	endLink(t, r.Link(a, b), a)
	check("after Pair", all[1])
}

func TestControllerSetScanKeepsLinks(t *testing.T) {
	_, a, b := two(t, rfcommtest.Config{})
	dialed, accepted := connect(t, a, b)
	if err := errors.Join(a.SetScan(0), b.SetScan(0)); err != nil {
		t.Fatal(err)
	}
	pass(t, dialed, accepted)
	pass(t, accepted, dialed)
}

// All methods that change adapters run at once, over a link that carries data.
func TestControllerSettingsAtOnce(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	link := r.Link(a, b)
	connect(t, a, b)
	var group sync.WaitGroup
	for i := range 4 {
		on := i%2 == 0
		for _, do := range []func() error{
			func() error { return a.SetSimplePairing(on) },
			func() error { return b.SetSimplePairing(on) },
			func() error { return a.SetScan(rfcommtest.Scan(i)) },
			func() error { return b.SetScan(rfcommtest.Scan(i)) },
			func() error { return a.SetPIN("1234") },
			func() error { return b.SetPIN("1234") },
			func() error { link.SpoilKey(a); link.StopEncryption(); return nil },
			func() error { return link.Unpair() },
			func() error { return errors.Join(a.Down(), a.Up()) },
			func() error { b.Unplug(); return b.Plug() },
		} {
			group.Go(func() {
				// Other calls unplug b or take a down.
				if err := do(); err != nil {
					t.Log(err)
				}
			})
		}
	}
	group.Wait()
	for _, c := range []*rfcommtest.Controller{a, b} {
		if err := errors.Join(c.SetSimplePairing(true), c.SetScan(rfcommtest.PageScan), c.Plug()); err != nil {
			t.Fatal(err)
		}
	}
	endLink(t, link, a)
	if err := link.Pair(); err != nil {
		t.Fatal(err)
	}
	encrypted(t, a, b)
}
