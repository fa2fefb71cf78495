package rfcommtest

import (
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

// unplugged returns a radio whose controllers are not plugged in.
func unplugged(t *testing.T, config Config) *Radio {
	t.Helper()
	if err := config.check(); err != nil {
		t.Fatal(err)
	}
	r := newRadio(config)
	t.Cleanup(func() { r.Close() })
	return r
}

func TestConfigEachFallsBackToConfig(t *testing.T) {
	each := []ControllerConfig{{}, {ACLLength: 310, ACLBuffers: 10, PacketTypes: EDR2}, {ACLLength: 679}}
	r := unplugged(t, Config{ACLBuffers: 3, PacketTypes: BasicRate, Each: each})
	if len(r.controllers) != 3 {
		t.Fatalf("%d controllers", len(r.controllers))
	}
	for i, want := range []ControllerConfig{
		{ACLLength: 1021, ACLBuffers: 3, PacketTypes: BasicRate},
		{ACLLength: 310, ACLBuffers: 10, PacketTypes: EDR2},
		{ACLLength: 679, ACLBuffers: 3, PacketTypes: BasicRate},
	} {
		got := r.config.Each[i]
		if got.ACLLength != want.ACLLength || got.ACLBuffers != want.ACLBuffers || got.PacketTypes != want.PacketTypes {
			t.Errorf("controller %d: %+v, want %+v", i, got, want)
		}
	}
	if each[0].ACLLength != 0 {
		t.Error("the caller's slice has changed")
	}
	if r = unplugged(t, Config{Controllers: 4, Each: each[:1]}); len(r.controllers) != 4 {
		t.Errorf("%d controllers", len(r.controllers))
	}
}

func TestLinkSetRSSIPanicsOutOfRange(t *testing.T) {
	r := unplugged(t, Config{})
	link := r.Link(r.controllers[0], r.controllers[1])
	for dBm, want := range map[int]bool{-128: true, -127: false, 0: false, 20: false, 21: true, 1000: true} {
		func() {
			defer func() {
				if got := recover() != nil; got != want {
					t.Errorf("%d dBm: panics: %v", dBm, got)
				}
			}()
			link.SetRSSI(dBm)
		}()
	}
}

func TestConfigDefaults(t *testing.T) {
	r := unplugged(t, Config{})
	c := r.config
	if len(r.controllers) != 2 || c.ACLLength != 1021 || c.ACLBuffers != 8 || c.PacketTypes != EDR3 {
		t.Errorf("the defaults are %+v", c)
	}
	first, second := r.controllers[0].Addr(), r.controllers[1].Addr()
	if first[0] != 2 || first[5] != 0 || second[5] != 1 || [5]byte(first[:5]) != [5]byte(second[:5]) {
		t.Errorf("the addresses %v and %v do not count up from 02:…:00", first, second)
	}
	if other := unplugged(t, Config{}).controllers[0].Addr(); other == first {
		t.Errorf("two radios have the address %v", other)
	}
	last := unplugged(t, Config{Address: rfcomm.BDAddr{2, 0, 0, 0, 0, 0xfe}}).controllers[1].Addr()
	if last != (rfcomm.BDAddr{2, 0, 0, 0, 0, 0xff}) {
		t.Errorf("the last address is %v", last)
	}
}

func TestLinkPanicsOnMisuse(t *testing.T) {
	r := unplugged(t, Config{Controllers: 3})
	a, b, c := r.controllers[0], r.controllers[1], r.controllers[2]
	other := unplugged(t, Config{}).controllers[0]
	for name, misuse := range map[string]func(){
		"a link of one":                    func() { r.Link(a, a) },
		"a link of another radio":          func() { r.Link(a, other) },
		"a fourth association":             func() { r.Link(a, b).PairWith(PasskeyEntry + 1) },
		"Disconnect without a reason":      func() { r.Link(a, b).Disconnect(0) },
		"Disconnect at a third controller": func() { r.Link(a, b).Disconnect(RemotePowerOff, a, c) },
		"Disconnect at another radio's":    func() { r.Link(a, b).Disconnect(RemotePowerOff, other) },
		"Disconnect at a nil pointer":      func() { r.Link(a, b).Disconnect(RemotePowerOff, nil) },
		"Unpair at a third controller":     func() { r.Link(a, b).Unpair(a, c) },
		"Unpair at another radio's":        func() { r.Link(a, b).Unpair(other) },
		"SpoilKey at a third controller":   func() { r.Link(a, b).SpoilKey(c) },
		"SpoilKey at a nil pointer":        func() { r.Link(a, b).SpoilKey(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			misuse()
		}()
	}
	if r.Link(a, b).Disconnect(RemotePowerOff, a, b) || r.Link(a, b).StopEncryption() {
		t.Error("Disconnect or StopEncryption reports a link that did not exist")
	}
}

func TestControllerErrorsWithoutAnAdapter(t *testing.T) {
	r := unplugged(t, Config{})
	a, b := r.controllers[0], r.controllers[1]
	pair := func() error { return r.Link(b, a).Pair() }
	pairWith := func() error { return r.Link(b, a).PairWith(PasskeyEntry) }
	unpair := func() error { return r.Link(b, a).Unpair(b) }
	spoil := func() error { return r.Link(b, a).SpoilKey(b) }
	for name, do := range map[string]func() error{"Up": a.Up, "Down": a.Down, "Pair": pair, "PairWith": pairWith, "SpoilKey": spoil} {
		if err := do(); err != errUnplugged {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := unpair(); err != nil { // it has no bond
		t.Errorf("Unpair: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{"Up": a.Up, "Down": a.Down, "Plug": a.Plug, "Pair": pair, "PairWith": pairWith, "Unpair": unpair, "SpoilKey": spoil} {
		if err := do(); err != errClosed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if err := a.Unplug(); err != nil {
		t.Errorf("Unplug after Close: %v", err)
	}
}

func TestAssociationString(t *testing.T) {
	for how, want := range map[Association]string{
		JustWorks: "just works", NumericComparison: "numeric comparison", PasskeyEntry: "passkey entry", 9: "Association(9)",
	} {
		if got := how.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
