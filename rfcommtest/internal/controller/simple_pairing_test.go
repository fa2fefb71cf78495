package controller_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// IO capabilities, with general bonding and protection against a man in the
// middle.
var (
	displayOnly  = &[3]byte{0, 0, 5}
	displayYesNo = &[3]byte{1, 0, 5}
	keyboardOnly = &[3]byte{2, 0, 5}
)

// received lists the codes of the events that a host has received, without the
// answers to commands.
func (h *host) received() string {
	h.radio.Lock()
	defer h.radio.Unlock()
	var codes []string
	for _, line := range *h.all {
		code, ok := strings.CutPrefix(line, h.name+" event 0x")
		if ok && !slices.Contains([]string{"0e", "0f", "03", "04"}, code) {
			codes = append(codes, code)
		}
	}
	return strings.Join(codes, " ")
}

func (h *host) wantReceived(want string) {
	h.Helper()
	if got := h.received(); got != want {
		h.Errorf("%s received the events %s, want %s", h.name, got, want)
	}
}

// pairable enables Secure Simple Pairing, and Secure Connections if secure.
func pairable(secure bool, hosts ...*host) {
	for _, h := range hosts {
		h.do(controller.WriteSimplePairingMode, hcipacket.Parameters{1})
		if secure {
			h.do(controller.WriteSecureConnectionsHost, hcipacket.Parameters{1})
		}
	}
}

// address returns the parameter with which answers about another host begin.
func (h *host) address() hcipacket.Parameters {
	return hcipacket.Parameters{}.Address(h.controller.Station().Address())
}

// keys checks that both hosts have the same key, of the given type, or none if
// the type is noKey.
func wantKeys(t *testing.T, a, b *keyStore, kind int) {
	t.Helper()
	switch {
	case kind == noKey:
		if a.key != nil || b.key != nil {
			t.Errorf("the keys are %v and %v, want none", a.key, b.key)
		}
	case a.key == nil || b.key == nil || *a.key != *b.key || int(a.kind) != kind || int(b.kind) != kind:
		t.Errorf("the keys are %+v and %+v, want the same of type %d", a, b, kind)
	}
}

const noKey = -1

func TestPairingComparesNumbers(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b       keyStore
		secure     bool
		status     hcipacket.Status
		kind       int
		ofA, ofB   string
		refusedByA bool
	}{
		"just works":               {keyStore{io: noInputNoOutput, confirm: true}, keyStore{io: displayYesNo, confirm: true}, false, 0, 4, "17 31 32 33 36 18 06", "32 31 33 36 18", false},
		"just works, P-256":        {keyStore{io: noInputNoOutput, confirm: true}, keyStore{io: noInputNoOutput, confirm: true}, true, 0, 7, "17 31 32 33 36 18 06", "32 31 33 36 18", false},
		"numbers":                  {keyStore{io: displayYesNo, confirm: true}, keyStore{io: displayYesNo, confirm: true}, false, 0, 5, "17 31 32 33 36 18 06", "32 31 33 36 18", false},
		"numbers, P-256":           {keyStore{io: displayYesNo, confirm: true}, keyStore{io: displayYesNo, confirm: true}, true, 0, 8, "17 31 32 33 36 18 06", "32 31 33 36 18", false},
		"no at the asking end":     {keyStore{io: displayYesNo}, keyStore{io: displayYesNo, confirm: true}, false, hcipacket.AuthenticationFailure, noKey, "17 31 32 33 36 06", "32 31 33 36", true},
		"no at the asked end":      {keyStore{io: displayYesNo, confirm: true}, keyStore{io: displayYesNo}, false, hcipacket.AuthenticationFailure, noKey, "17 31 32 33 36 06", "32 31 33 36", false},
		"refused at the asked end": {keyStore{io: displayYesNo, confirm: true}, keyStore{}, false, hcipacket.PairingNotAllowed, noKey, "17 31 36 06", "32 31 36", false},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				pairable(tt.secure, a, b)
				ofA, _ := connect(a, b)
				a.useKeyStore(&tt.a)
				b.useKeyStore(&tt.b)
				numbers := make(map[uint32]int)
				for _, h := range []*host{a, b} {
					answer := h.answers[hcipacket.UserConfirmationRequest]
					h.answers[hcipacket.UserConfirmationRequest] = func(f *hcipacket.Fields) {
						again := *f
						again.Address()
						h.radio.Lock()
						numbers[again.Uint32()]++
						h.radio.Unlock()
						answer(f)
					}
				}
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				for _, h := range []*host{a, b} {
					if status := hcipacket.Status(h.event(hcipacket.SimplePairingComplete).Uint8()); status != tt.status {
						t.Errorf("%s: %v, want %v", h.name, status, tt.status)
					}
				}
				if status := hcipacket.Status(a.event(hcipacket.AuthenticationComplete).Uint8()); status != tt.status {
					t.Errorf("authentication: %v, want %v", status, tt.status)
				}
				wantKeys(t, &tt.a, &tt.b, tt.kind)
				a.wantReceived(tt.ofA)
				b.wantReceived(tt.ofB)
				for number, n := range numbers {
					if number > 999_999 || n != 2 {
						t.Errorf("%d hosts show the number %d", n, number)
					}
				}
			})
		})
	}
}

// Secure Connections need both hosts.
func TestPairingWithOneSecureHost(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(true, a)
		pairable(false, b)
		ofA, _ := connect(a, b)
		ofAKeys, ofBKeys := &keyStore{io: displayYesNo, confirm: true}, &keyStore{io: displayYesNo, confirm: true}
		a.useKeyStore(ofAKeys)
		b.useKeyStore(ofBKeys)
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.next()
		wantKeys(t, ofAKeys, ofBKeys, 5)
	})
}

func TestPairingEntersAPasskey(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b     *[3]byte
		ofA, ofB string
	}{
		"shown by the asking end": {displayOnly, keyboardOnly, "17 31 32 3b 36 18 06", "32 31 34 36 18"},
		"shown by the asked end":  {keyboardOnly, displayYesNo, "17 31 32 34 36 18 06", "32 31 3b 36 18"},
		"two keyboards":           {keyboardOnly, keyboardOnly, "17 31 32 34 36 18 06", "32 31 34 36 18"},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				stores := passkeyHosts(a, b, tt.a, tt.b)
				ofA, _ := connect(a, b)
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				passkey := uint32(123456)
				for h, other := range map[*host]*host{a: b, b: a} {
					if stores[h].io != keyboardOnly {
						passkey = h.shown(other)
					}
				}
				for h, other := range map[*host]*host{a: b, b: a} {
					if stores[h].io == keyboardOnly {
						h.enter(other, passkey)
					}
				}
				for _, h := range []*host{a, b} {
					if status := hcipacket.Status(h.event(hcipacket.SimplePairingComplete).Uint8()); status != 0 {
						t.Errorf("%s: %v", h.name, status)
					}
				}
				wantKeys(t, stores[a], stores[b], 5)
				a.wantReceived(tt.ofA)
				b.wantReceived(tt.ofB)
			})
		})
	}
}

// passkeyHosts makes two hosts answer all questions except those about
// passkeys.
func passkeyHosts(a, b *host, ofA, ofB *[3]byte) map[*host]*keyStore {
	pairable(false, a, b)
	stores := map[*host]*keyStore{a: {io: ofA}, b: {io: ofB}}
	for h, k := range stores {
		h.useKeyStore(k)
	}
	return stores
}

// shown takes the passkey that the host shows.
func (h *host) shown(other *host) uint32 {
	h.Helper()
	f := h.event(hcipacket.UserPasskeyNotification)
	if address := f.Address(); address != other.controller.Station().Address() {
		h.Errorf("%s shows a passkey for %x", h.name, address)
	}
	return f.Uint32()
}

// enter enters a passkey when the host asks for it.
func (h *host) enter(other *host, passkey uint32) {
	h.Helper()
	if f := h.event(hcipacket.UserPasskeyRequest); f.Address() != other.controller.Station().Address() {
		h.Errorf("%s asks for another host's passkey", h.name)
	}
	h.send(controller.UserPasskeyRequestReply, other.address().Uint32(passkey))
}

func TestPairingRefusesAPasskey(t *testing.T) {
	refuse := func(h, other *host) {
		h.event(hcipacket.UserPasskeyRequest)
		h.send(controller.UserPasskeyRequestNegativeReply, other.address())
	}
	for name, tt := range map[string]struct {
		a, b *[3]byte
		play func(a, b *host)
	}{
		"wrong at the asked end":   {displayOnly, keyboardOnly, func(a, b *host) { b.enter(a, (a.shown(b)+1)%1e6) }},
		"wrong at the asking end":  {keyboardOnly, displayOnly, func(a, b *host) { a.enter(b, (b.shown(a)+1)%1e6) }},
		"two numbers":              {keyboardOnly, keyboardOnly, func(a, b *host) { a.enter(b, 1); b.enter(a, 2) }},
		"none at the asked end":    {displayOnly, keyboardOnly, func(a, b *host) { a.shown(b); refuse(b, a) }},
		"none at the asking end":   {keyboardOnly, displayOnly, func(a, b *host) { b.shown(a); refuse(a, b) }},
		"none at the first of two": {keyboardOnly, keyboardOnly, func(a, b *host) { refuse(a, b); b.event(hcipacket.UserPasskeyRequest) }},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				stores := passkeyHosts(a, b, tt.a, tt.b)
				ofA, _ := connect(a, b)
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				tt.play(a, b)
				for _, h := range []*host{a, b} {
					if status := hcipacket.Status(h.event(hcipacket.SimplePairingComplete).Uint8()); status != hcipacket.AuthenticationFailure {
						t.Errorf("%s: %v", h.name, status)
					}
				}
				if status := hcipacket.Status(a.event(hcipacket.AuthenticationComplete).Uint8()); status != hcipacket.AuthenticationFailure {
					t.Errorf("authentication: %v", status)
				}
				b.expectNothing()
				wantKeys(t, stores[a], stores[b], noKey)
			})
		})
	}
}

func TestSendKeypressNotification(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		passkeyHosts(a, b, displayOnly, keyboardOnly)
		ofA, _ := connect(a, b)
		delete(b.answers, hcipacket.CommandComplete)
		pressed := a.address().Uint8(1)
		if status, _ := b.complete(controller.SendKeypressNotification, pressed); status != hcipacket.CommandDisallowed {
			t.Errorf("without a question: %v", status)
		}
		b.useKeyStore(&keyStore{io: keyboardOnly})
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.shown(b)
		b.event(hcipacket.UserPasskeyRequest)
		delete(b.answers, hcipacket.CommandComplete)
		b.do(controller.SendKeypressNotification, pressed)
		if f := a.event(hcipacket.KeypressNotification); f.Address() != addressOfB || f.Uint8() != 1 {
			t.Error("another key, or another host's")
		}
		if status, _ := b.complete(controller.SendKeypressNotification, a.address().Uint8(5)); status != hcipacket.InvalidParameters {
			t.Errorf("an unknown type: %v", status)
		}
	})
}

// A question remains pending after an invalid answer.
func TestPairingRepliesOutOfRange(t *testing.T) {
	for name, tt := range map[string]struct {
		simple  bool
		io      *[3]byte
		event   hcipacket.EventCode
		opcode  hcipacket.Opcode
		invalid []hcipacket.Parameters
		valid   hcipacket.Parameters
	}{
		"PIN": {false, nil, hcipacket.PINCodeRequest, controller.PINCodeRequestReply,
			[]hcipacket.Parameters{make(hcipacket.Parameters, 17), append(hcipacket.Parameters{17}, make([]byte, 16)...)},
			append(hcipacket.Parameters{16}, make([]byte, 16)...)},
		"IO capability": {true, nil, hcipacket.IOCapabilityRequest, controller.IOCapabilityRequestReply,
			[]hcipacket.Parameters{{4, 0, 0}, {3, 0, 6}}, hcipacket.Parameters{3, 0, 5}},
		"passkey": {true, keyboardOnly, hcipacket.UserPasskeyRequest, controller.UserPasskeyRequestReply,
			[]hcipacket.Parameters{hcipacket.Parameters{}.Uint32(1_000_000)}, hcipacket.Parameters{}.Uint32(999_999)},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				if tt.simple {
					pairable(false, a, b)
				}
				ofA, _ := connect(a, b)
				a.useKeyStore(&keyStore{io: tt.io})
				b.useKeyStore(&keyStore{io: displayOnly})
				delete(a.answers, tt.event)
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				a.event(tt.event)
				delete(a.answers, hcipacket.CommandComplete)
				for _, p := range tt.invalid {
					if status, _ := a.complete(tt.opcode, append(b.address(), p...)); status != hcipacket.InvalidParameters {
						t.Errorf("% x: %v", p, status)
					}
				}
				a.do(tt.opcode, append(b.address(), tt.valid...))
			})
		})
	}
}
