package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

func TestPairingMakesNewKeys(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		keys := make(map[[16]byte]bool)
		for range 3 {
			ofAKeys, ofBKeys := &keyStore{pin: "1234"}, &keyStore{pin: "1234"}
			a.useKeyStore(ofAKeys)
			b.useKeyStore(ofBKeys)
			if status := a.authenticate(ofA); status != hcipacket.Success {
				t.Fatal(status)
			}
			if *ofAKeys.key != *ofBKeys.key {
				t.Errorf("the keys are % x and % x", *ofAKeys.key, *ofBKeys.key)
			}
			keys[*ofAKeys.key] = true
		}
		if keys[[16]byte{}] || len(keys) != 3 {
			t.Errorf("the keys of three pairings: %v", keys)
		}
	})
}

// Both hosts must have enabled simple pairing, no matter which one begins.
func TestPairingIsSimpleIfBothHostsAgree(t *testing.T) {
	for enabled, want := range map[[2]uint8]uint8{{0, 0}: 0, {1, 0}: 0, {0, 1}: 0, {1, 1}: 4} {
		withHosts(t, func(t *testing.T, a, b, _ *host) {
			keys := [2]keyStore{}
			for i, h := range []*host{a, b} {
				h.do(controller.WriteSimplePairingMode, hcipacket.Parameters{enabled[i]})
				keys[i] = keyStore{pin: "1234", io: noInputNoOutput, confirm: true}
				h.useKeyStore(&keys[i])
				h.answers[hcipacket.SimplePairingComplete] = func(*hcipacket.Fields) {}
			}
			ofA, _ := connect(a, b)
			if status := a.authenticate(ofA); status != hcipacket.Success || keys[0].kind != want || keys[1].kind != want {
				t.Errorf("simple pairing %d: %v, key types %d and %d; want %d", enabled, status, keys[0].kind, keys[1].kind, want)
			}
		})
	}
}

// A pairing replaces a wrong key.
func TestSpoilKeyLastsUntilPairing(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		for range 2 {
			a.useKeyStore(&keyStore{pin: "1234"})
			b.useKeyStore(&keyStore{pin: "1234"})
			if status := a.authenticate(ofA); status != hcipacket.Success {
				t.Errorf("a pairing: %v", status)
			}
			if got, want := authenticateBoth(a, b, ofA, ofB), hcipacket.Success; got != [2]hcipacket.Status{want, want} {
				t.Errorf("with the new key: %v", got)
			}
			if !a.spoilKey(b) || !b.spoilKey(a) {
				t.Error("SpoilKey = false after a pairing")
			}
			if got, want := authenticateBoth(a, b, ofA, ofB), hcipacket.AuthenticationFailure; got != [2]hcipacket.Status{want, want} {
				t.Errorf("with the wrong key: %v", got)
			}
		}
	})
}

func TestSpoilKeyOfNewKey(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		a.useKeyStore(&keyStore{pin: "1234"})
		b.useKeyStore(&keyStore{pin: "1234"})
		if status := a.authenticate(ofA); status != hcipacket.Success {
			t.Errorf("a pairing: %v", status)
		}
		if !a.spoilKey(b) || !b.spoilKey(a) {
			t.Error("SpoilKey = false after a pairing")
		}
	})
}

// A change of encryption completes an earlier one that waits for the host to
// read the key size.
func TestSetConnectionEncryptionTwice(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.useKeyStore(&keyStore{key: &[16]byte{1}})
		b.useKeyStore(&keyStore{key: &[16]byte{1}})
		if status := a.authenticate(ofA); status != hcipacket.Success {
			t.Fatal(status)
		}
		a.answers[hcipacket.CommandStatus] = func(*hcipacket.Fields) {}
		for _, on := range []uint8{1, 0, 1} {
			a.send(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofA).Uint8(on))
		}
		time.Sleep(time.Minute)
		for h, handle := range map[*host]hcipacket.Handle{a: ofA, b: ofB} {
			for _, want := range []uint8{1, 0, 1} {
				f := h.event(hcipacket.EncryptionChange)
				if status, got, on := f.Uint8(), f.Handle(), f.Uint8(); status != 0 || got != handle || on != want {
					t.Errorf("%s: status %d, connection %d, encrypted %d; want %d", h.name, status, got, on, want)
				}
			}
			h.expectNothing()
		}
	})
}

// A connection that ends before the host has read the key size reports no
// change of encryption.
func TestSetConnectionEncryptionThenDetach(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		a.useKeyStore(&keyStore{key: &[16]byte{1}})
		b.useKeyStore(&keyStore{key: &[16]byte{1}})
		if status := a.authenticate(ofA); status != hcipacket.Success {
			t.Fatal(status)
		}
		a.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofA).Uint8(1))
		b.event(hcipacket.EncryptionChange)
		b.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofB).Status(hcipacket.RemoteUserTerminated))
		b.disconnected(ofB, hcipacket.TerminatedByLocalHost)
		a.disconnected(ofA, hcipacket.RemoteUserTerminated)
		time.Sleep(time.Minute)
		a.expectNothing()
		b.expectNothing()
	})
}

// Page 1 has the features that the host has enabled (Volume 2, Part C, section
// 3.3).
func TestReadLocalExtendedFeatures(t *testing.T) {
	adjust := func(_ int, config *controller.Config) { config.Version = controller.Version41 }
	withControllers(t, adjust, func(t *testing.T, a, _, _ *host) {
		enabled := func(want uint8) {
			t.Helper()
			f := a.do(controller.ReadLocalExtendedFeatures, hcipacket.Parameters{1})
			if page, last, first := f.Uint8(), f.Uint8(), f.Uint8(); page != 1 || last != 2 || first != want {
				t.Errorf("page %d of %d begins with %#x, want %#x", page, last, first, want)
			}
		}
		enabled(0)
		a.do(controller.WriteSimplePairingMode, hcipacket.Parameters{1})
		enabled(0x01)
		a.do(controller.WriteSecureConnectionsHost, hcipacket.Parameters{1})
		enabled(0x09)
		f := a.do(controller.ReadLocalExtendedFeatures, hcipacket.Parameters{2})
		if page, last := f.Uint8(), f.Uint8(); page != 2 || last != 2 {
			t.Errorf("page %d of %d, want 2", page, last)
		}
		status, f := a.complete(controller.ReadLocalExtendedFeatures, hcipacket.Parameters{3})
		if page, last := f.Uint8(), f.Uint8(); status != hcipacket.InvalidParameters || page != 3 || last != 2 {
			t.Errorf("page 3: %v, page %d of %d", status, page, last)
		}
	})
}
