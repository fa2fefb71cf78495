package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// spoilKey spoils the key of a host for another host.
func (h *host) spoilKey(other *host) (bonded bool) {
	h.locked(func() { bonded = h.controller.SpoilKey(other.controller.Station().Address()) })
	return bonded
}

// authenticateBoth authenticates a connection by each of its ends, and returns
// the results.
func authenticateBoth(a, b *host, ofA, ofB hcipacket.Handle) [2]hcipacket.Status {
	a.Helper()
	return [2]hcipacket.Status{a.authenticate(ofA), b.authenticate(ofB)}
}

func TestSpoilKeyFailsAuthentication(t *testing.T) {
	const ok, fails = hcipacket.Success, hcipacket.AuthenticationFailure
	for name, tt := range map[string]struct {
		spoilA, spoilB bool
		want           hcipacket.Status
	}{
		"not spoiled": {false, false, ok},
		"at A":        {true, false, fails},
		"at B":        {false, true, fails},
		"at both":     {true, true, fails},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, c *host) {
				key := &[16]byte{1}
				for _, h := range []*host{a, b, c} {
					h.useKeyStore(&keyStore{key: key})
				}
				ofA, ofB := connect(a, b)
				ofA2, ofC := connect(a, c)
				for _, got := range [][2]hcipacket.Status{authenticateBoth(a, b, ofA, ofB), authenticateBoth(a, c, ofA2, ofC)} {
					if got != [2]hcipacket.Status{ok, ok} {
						t.Errorf("before: %v", got)
					}
				}
				if tt.spoilA && !a.spoilKey(b) || tt.spoilB && !b.spoilKey(a) {
					t.Error("SpoilKey = false with a key")
				}
				if got := authenticateBoth(a, b, ofA, ofB); got != [2]hcipacket.Status{tt.want, tt.want} {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				if got := authenticateBoth(a, c, ofA2, ofC); got != [2]hcipacket.Status{ok, ok} {
					t.Errorf("with the other device: %v", got)
				}
			})
		})
	}
}

// The key is the host's, so it outlives a reset, and not a new host.
func TestSpoilKeyNeedsBond(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		keyOfA := &keyStore{key: &[16]byte{1}}
		a.useKeyStore(keyOfA)
		b.useKeyStore(&keyStore{key: &[16]byte{1}, pin: "1234"})
		check := func(when string, want bool) {
			t.Helper()
			if got := a.spoilKey(b); got != want {
				t.Errorf("%s: SpoilKey = %v, want %v", when, got, want)
			}
		}
		authenticate := func(want hcipacket.Status) {
			t.Helper()
			ofA, ofB := connect(a, b)
			if got := a.authenticate(ofA); got != want {
				t.Errorf("authentication: %v, want %v", got, want)
			}
			a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Uint8(0x13))
			a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
			b.disconnected(ofB, hcipacket.RemoteUserTerminated)
		}
		check("at first", false)
		authenticate(hcipacket.Success)
		check("after an authentication", true)
		a.answer(controller.Reset, nil)
		authenticate(hcipacket.AuthenticationFailure)
		check("after a reset", true)

		a.locked(func() { a.controller.Unpaired(b.controller.Station().Address()) })
		check("after the host has deleted the key", false)
		authenticate(hcipacket.Success)
		a.locked(a.controller.ReplaceHost)
		check("with a new host", false)

		authenticate(hcipacket.Success)
		check("with a key", true)
		keyOfA.key, keyOfA.pin = nil, "1234"
		authenticate(hcipacket.Success) // makes a new key
		authenticate(hcipacket.Success)
		check("after a pairing", true)
		keyOfA.key, keyOfA.pin = nil, ""
		authenticate(hcipacket.KeyMissing)
		check("after the host has given no key", false)
	})
}

func TestStopEncryption(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		stop := func(h, other *host) (on bool) {
			h.locked(func() { on = h.controller.StopEncryption(other.controller.Station().Address()) })
			return on
		}
		if stop(a, b) {
			t.Error("StopEncryption = true without a connection")
		}
		ofA, ofB := connect(a, b)
		if stop(a, b) {
			t.Error("StopEncryption = true without encryption")
		}
		for _, h := range []*host{a, b} {
			h.useKeyStore(&keyStore{key: &[16]byte{1}})
		}
		if status := a.authenticate(ofA); status != hcipacket.Success {
			t.Fatal(status)
		}
		encrypted := func(want uint8) {
			t.Helper()
			for h, handle := range map[*host]hcipacket.Handle{b: ofB, a: ofA} {
				f := h.event(hcipacket.EncryptionChange)
				if status, got, on := f.Uint8(), f.Handle(), f.Uint8(); status != 0 || got != handle || on != want {
					t.Errorf("%s: status %d, connection %d, encrypted %d", h.name, status, got, on)
				}
			}
		}
		for _, h := range []*host{a, b} {
			other, handle := b, ofA
			if h == b {
				other, handle = a, ofB
			}
			h.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(handle).Uint8(1))
			time.Sleep(3 * time.Second) // the hosts do not read the key size
			encrypted(1)
			if !stop(h, other) {
				t.Error("StopEncryption = false with encryption")
			}
			encrypted(0)
			if stop(h, other) {
				t.Error("StopEncryption = true once encryption is off")
			}
		}
		a.expectNothing()
		b.expectNothing()
	})
}
