package rfcommtest

import "testing"

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

func TestLinkPanicsOnMisuse(t *testing.T) {
	r := unplugged(t, Config{Controllers: 3})
	a, b, c := r.controllers[0], r.controllers[1], r.controllers[2]
	other := unplugged(t, Config{}).controllers[0]
	for name, misuse := range map[string]func(){
		"a link of one":                    func() { r.Link(a, a) },
		"a link of another radio":          func() { r.Link(a, other) },
		"Disconnect without a reason":      func() { r.Link(a, b).Disconnect(0) },
		"Disconnect at a third controller": func() { r.Link(a, b).Disconnect(RemotePowerOff, a, c) },
		"Disconnect at another radio's":    func() { r.Link(a, b).Disconnect(RemotePowerOff, other) },
		"Disconnect at a nil pointer":      func() { r.Link(a, b).Disconnect(RemotePowerOff, nil) },
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
	if r.Link(a, b).Disconnect(RemotePowerOff, a, b) {
		t.Error("Disconnect reports a link that did not exist")
	}
}

func TestControllerErrorsWithoutAnAdapter(t *testing.T) {
	r := unplugged(t, Config{})
	a, b := r.controllers[0], r.controllers[1]
	pair := func() error { return r.Link(b, a).Pair() }
	for name, do := range map[string]func() error{"Up": a.Up, "Down": a.Down, "Pair": pair} {
		if err := do(); err != errUnplugged {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{"Up": a.Up, "Down": a.Down, "Plug": a.Plug, "Pair": pair} {
		if err := do(); err != errClosed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if err := a.Unplug(); err != nil {
		t.Errorf("Unplug after Close: %v", err)
	}
}
