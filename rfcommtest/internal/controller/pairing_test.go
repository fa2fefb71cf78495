package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A keyStore answers a controller's questions about keys and pairing, like a
// kernel.
type keyStore struct {
	key     *[16]byte
	kind    uint8
	io      *[3]byte // nil to refuse pairing
	pin     string
	confirm bool
}

// useKeyStore makes a host answer automatically.
func (h *host) useKeyStore(k *keyStore) {
	peer := func(f *hcipacket.Fields) hcipacket.Parameters { return hcipacket.Parameters{}.Address(f.Address()) }
	h.answers[hcipacket.LinkKeyRequest] = func(f *hcipacket.Fields) {
		if k.key == nil {
			h.answer(controller.LinkKeyRequestNegativeReply, peer(f))
		} else {
			h.answer(controller.LinkKeyRequestReply, append(peer(f), k.key[:]...))
		}
	}
	h.answers[hcipacket.IOCapabilityRequest] = func(f *hcipacket.Fields) {
		if k.io == nil {
			h.answer(controller.IOCapabilityRequestNegativeReply, peer(f).Status(hcipacket.PairingNotAllowed))
		} else {
			h.answer(controller.IOCapabilityRequestReply, append(peer(f), k.io[:]...))
		}
	}
	h.answers[hcipacket.UserConfirmationRequest] = func(f *hcipacket.Fields) {
		if k.confirm {
			h.answer(controller.UserConfirmationRequestReply, peer(f))
		} else {
			h.answer(controller.UserConfirmationRequestNegativeReply, peer(f))
		}
	}
	h.answers[hcipacket.PINCodeRequest] = func(f *hcipacket.Fields) {
		if k.pin == "" {
			h.answer(controller.PINCodeRequestNegativeReply, peer(f))
		} else {
			h.answer(controller.PINCodeRequestReply, append(peer(f).Uint8(uint8(len(k.pin))), hcipacket.Parameters{}.Text(k.pin, 16)...))
		}
	}
	h.answers[hcipacket.LinkKeyNotification] = func(f *hcipacket.Fields) {
		f.Address()
		key := f.Key()
		h.radio.Lock()
		defer h.radio.Unlock()
		k.key, k.kind = &key, f.Uint8()
	}
	h.answers[hcipacket.IOCapabilityResponse] = func(*hcipacket.Fields) {}
	h.answers[hcipacket.CommandComplete] = func(*hcipacket.Fields) {}
}

// answer sends a command from a goroutine other than the test's.
func (h *host) answer(opcode hcipacket.Opcode, p hcipacket.Parameters) {
	h.radio.Lock()
	defer h.radio.Unlock()
	if err := h.controller.Input(hcipacket.Command{Opcode: opcode, Parameters: p}.Append(nil)); err != nil {
		h.Error(err)
	}
}

// authenticate requests authentication and returns its result.
func (h *host) authenticate(handle hcipacket.Handle) hcipacket.Status {
	h.Helper()
	h.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(handle))
	f := h.event(hcipacket.AuthenticationComplete)
	status := hcipacket.Status(f.Uint8())
	if got := f.Handle(); got != handle {
		h.Errorf("%s: authenticated connection %d instead of %d", h.name, got, handle)
	}
	return status
}

var noInputNoOutput = &[3]byte{3, 0, 2} // general bonding, no protection against a man in the middle

func TestSetConnectionEncryptionAfterPairing(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		for _, h := range []*host{a, b} {
			h.do(controller.WriteSimplePairingMode, hcipacket.Parameters{1})
		}
		ofA, ofB := connect(a, b)
		if status := a.status(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofA).Uint8(1)); status != hcipacket.KeyMissing {
			t.Errorf("encryption without a key: %v", status)
		}
		keys := map[*host]*keyStore{a: {io: noInputNoOutput, confirm: true}, b: {io: noInputNoOutput, confirm: true}}
		for h, k := range keys {
			h.useKeyStore(k)
		}
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		for _, h := range []*host{a, b} {
			if status := hcipacket.Status(h.event(hcipacket.SimplePairingComplete).Uint8()); status != hcipacket.Success {
				t.Errorf("%s: %v", h.name, status)
			}
		}
		if status := hcipacket.Status(a.event(hcipacket.AuthenticationComplete).Uint8()); status != hcipacket.Success {
			t.Errorf("authentication: %v", status)
		}
		b.expectNothing()
		if keys[a].key == nil || keys[b].key == nil || *keys[a].key != *keys[b].key || keys[a].kind != 4 || keys[b].kind != 4 {
			t.Fatalf("the keys are %+v and %+v", keys[a], keys[b])
		}
		a.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofA).Uint8(1))
		encrypted := func(h *host, handle hcipacket.Handle, want uint8) {
			t.Helper()
			f := h.event(hcipacket.EncryptionChange)
			if status, got, on := f.Uint8(), f.Handle(), f.Uint8(); status != 0 || got != handle || on != want {
				t.Errorf("%s: status %d, connection %d, encrypted %d", h.name, status, got, on)
			}
		}
		encrypted(b, ofB, 1)
		a.expectNothing() // until B's host is ready to receive encrypted data
		b.send(controller.ReadEncryptionKeySize, hcipacket.Parameters{}.Handle(ofB))
		encrypted(a, ofA, 1)

		// A host that does not read the key size delays the change by 2 s,
		// and not at all when encryption is turned off.
		a.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofA).Uint8(0))
		encrypted(b, ofB, 0)
		encrypted(a, ofA, 0)
		b.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofB).Uint8(1))
		encrypted(a, ofA, 1)
		b.expectNothing()
		f := b.after(2*time.Second, hcipacket.EncryptionChange)
		if status, got, on := f.Uint8(), f.Handle(), f.Uint8(); status != 0 || got != ofB || on != 1 {
			t.Errorf("B: status %d, connection %d, encrypted %d", status, got, on)
		}

		// The next connection needs only the key, no matter which end begins.
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Uint8(0x13))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		b.disconnected(ofB, hcipacket.RemoteUserTerminated)
		ofA, ofB = connect(a, b)
		if status := b.authenticate(ofB); status != hcipacket.Success {
			t.Errorf("with the key: %v", status)
		}
		b.begin(controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(ofB).Uint8(1))
		a.event(hcipacket.EncryptionChange)
		a.send(controller.ReadEncryptionKeySize, hcipacket.Parameters{}.Handle(ofA))
		b.event(hcipacket.EncryptionChange)

		// Any other key fails.
		keys[b].key = &[16]byte{1}
		if status := a.authenticate(ofA); status != hcipacket.AuthenticationFailure {
			t.Errorf("with different keys: %v", status)
		}
		keys[b].key = nil
		if status := a.authenticate(ofA); status != hcipacket.KeyMissing {
			t.Errorf("with a key at one end alone: %v", status)
		}
	})
}

// The other end does not know of a pairing that its beginner's host refuses.
func TestPairingRefusedByTheAskingEnd(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, _ := connect(a, b)
		a.useKeyStore(&keyStore{})
		b.useKeyStore(&keyStore{io: noInputNoOutput, confirm: true})
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		if status := hcipacket.Status(a.event(hcipacket.SimplePairingComplete).Uint8()); status != hcipacket.PairingNotAllowed {
			t.Errorf("%v", status)
		}
		a.wantReceived("17 31 36 06")
		b.wantReceived("")
	})
}

func TestAuthenticationByPIN(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b string
		want hcipacket.Status
	}{
		"the same":               {"0000", "0000", hcipacket.Success},
		"different":              {"0000", "1234", hcipacket.AuthenticationFailure},
		"none at the asking end": {"", "0000", hcipacket.KeyMissing},
		"none at the asked end":  {"0000", "", hcipacket.PairingNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				a.do(controller.WriteSimplePairingMode, hcipacket.Parameters{1}) // both hosts must enable it
				ofA, _ := connect(a, b)
				ofAKeys, ofBKeys := &keyStore{pin: tt.a}, &keyStore{pin: tt.b}
				a.useKeyStore(ofAKeys)
				b.useKeyStore(ofBKeys)
				if status := a.authenticate(ofA); status != tt.want {
					t.Errorf("%v, want %v", status, tt.want)
				}
				if made := ofAKeys.key != nil && ofBKeys.key != nil && *ofAKeys.key == *ofBKeys.key; made != (tt.want == hcipacket.Success) {
					t.Errorf("there is a common key: %v", made)
				}
			})
		})
	}
}

func TestPairingRepliesWithoutARequest(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		to := hcipacket.Parameters{}.Address(addressOfB)
		all := map[hcipacket.Opcode]hcipacket.Parameters{
			controller.LinkKeyRequestReply:                  append(to.Uint8(), make([]byte, 16)...),
			controller.LinkKeyRequestNegativeReply:          to,
			controller.PINCodeRequestReply:                  append(to.Uint8(4), make([]byte, 16)...),
			controller.PINCodeRequestNegativeReply:          to,
			controller.IOCapabilityRequestReply:             to.Uint8(3, 0, 2),
			controller.IOCapabilityRequestNegativeReply:     to.Uint8(0x18),
			controller.UserConfirmationRequestReply:         to,
			controller.UserConfirmationRequestNegativeReply: to,
			controller.UserPasskeyRequestReply:              to.Uint32(123456),
			controller.UserPasskeyRequestNegativeReply:      to,
			controller.SendKeypressNotification:             to.Uint8(1),
		}
		for _, want := range []hcipacket.Status{hcipacket.UnknownConnection, hcipacket.CommandDisallowed} {
			for opcode, p := range all {
				if status, f := a.complete(opcode, p); status != want || f.Address() != addressOfB {
					t.Errorf("%v: %v, want %v", opcode, status, want)
				}
			}
			if want == hcipacket.UnknownConnection {
				connect(a, b)
			}
		}
	})
}

func TestIOCapabilityNegativeReplyWithReason0(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		for _, h := range []*host{a, b} {
			h.do(controller.WriteSimplePairingMode, hcipacket.Parameters{1})
		}
		ofA, _ := connect(a, b)
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.LinkKeyRequest)
		a.do(controller.LinkKeyRequestNegativeReply, hcipacket.Parameters{}.Address(addressOfB))
		a.event(hcipacket.IOCapabilityRequest)
		a.do(controller.IOCapabilityRequestNegativeReply, hcipacket.Parameters{}.Address(addressOfB).Status(hcipacket.Success))
		a.event(hcipacket.SimplePairingComplete)
		if status := hcipacket.Status(a.event(hcipacket.AuthenticationComplete).Uint8()); status != hcipacket.PairingNotAllowed {
			t.Errorf("authentication: %v", status)
		}
	})
}
