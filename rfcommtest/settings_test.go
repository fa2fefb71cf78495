package rfcommtest

import (
	"strings"
	"testing"
)

func TestControllerSettingsCheckValues(t *testing.T) {
	r := unplugged(t, Config{Each: []ControllerConfig{{Version: Version20}}})
	old, c := r.controllers[0], r.controllers[1]
	for want, err := range map[string]error{
		"0 bytes":                            c.SetPIN(""),
		"17 bytes":                           c.SetPIN(strings.Repeat("1", 17)),
		"0x04 contains":                      c.SetScan(4),
		"does not support Secure Simple":     old.SetSimplePairing(true),
		"does not support Secure Connection": old.SetSecureConnections(true),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that contains %q", err, want)
		}
	}
	if c.settings != defaultSettings || old.settings != defaultSettings {
		t.Errorf("the settings are %+v and %+v", old.settings, c.settings)
	}
}

func TestControllerSettingsWhileUnplugged(t *testing.T) {
	r := unplugged(t, Config{Each: []ControllerConfig{{Version: Version20}}})
	old, c := r.controllers[0], r.controllers[1]
	set := map[string]func() error{
		"the longest PIN":     func() error { return c.SetPIN("0123456789abcdef") },
		"the shortest PIN":    func() error { return c.SetPIN("1") },
		"no scan":             func() error { return c.SetScan(0) },
		"both scans":          func() error { return c.SetScan(InquiryScan | PageScan) },
		"simple pairing on":   func() error { return c.SetSimplePairing(true) },
		"simple pairing off":  func() error { return c.SetSimplePairing(false) },
		"off without support": func() error { return old.SetSimplePairing(false) },
		"secure connections":  func() error { return c.SetSecureConnections(true) },
		"not secure":          func() error { return c.SetSecureConnections(false) },
		"never secure":        func() error { return old.SetSecureConnections(false) },
		"a PIN of an old one": func() error { return old.SetPIN("1234") },
		"scans of an old one": func() error { return old.SetScan(PageScan) },
	}
	for name, do := range set {
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, do := range set {
		if err := do(); err != errClosed {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}
