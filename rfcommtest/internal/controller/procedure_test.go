package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// responseTimeout is the LMP response timeout (Volume 2, Part C, section
// 2.4.1).
const responseTimeout = 30 * time.Second

// status takes an event whose first parameter is a status, and checks it.
func (h *host) wantStatus(code hcipacket.EventCode, want hcipacket.Status) {
	h.Helper()
	if status := hcipacket.Status(h.event(code).Uint8()); status != want {
		h.Errorf("%s: %v: %v, want %v", h.name, code, status, want)
	}
}

func TestPairingUnansweredTimesOut(t *testing.T) {
	key := &[16]byte{1}
	numbers := func(confirm bool) *keyStore { return &keyStore{io: displayYesNo, confirm: confirm} }
	for name, tt := range map[string]struct {
		simple   bool
		a, b     *keyStore
		silent   string              // the hosts that do not answer
		event    hcipacket.EventCode // the question
		late     hcipacket.Opcode
		ofA, ofB string
	}{
		"key, own host": {false, &keyStore{key: key}, &keyStore{key: key}, "A", hcipacket.LinkKeyRequest,
			controller.LinkKeyRequestNegativeReply, "17 06", ""},
		"key": {false, &keyStore{key: key}, &keyStore{key: key}, "B", hcipacket.LinkKeyRequest,
			controller.LinkKeyRequestNegativeReply, "17 06", "17"},
		"PIN, own host": {false, &keyStore{pin: "1"}, &keyStore{pin: "1"}, "A", hcipacket.PINCodeRequest,
			controller.PINCodeRequestNegativeReply, "17 16 06", ""},
		"PIN": {false, &keyStore{pin: "1"}, &keyStore{pin: "1"}, "B", hcipacket.PINCodeRequest,
			controller.PINCodeRequestNegativeReply, "17 16 06", "16"},
		"IO capability": {true, numbers(true), numbers(true), "B", hcipacket.IOCapabilityRequest,
			controller.IOCapabilityRequestNegativeReply, "17 31 36 06", "32 31 36"},
		"IO capability, own host": {true, numbers(true), numbers(true), "A", hcipacket.IOCapabilityRequest,
			controller.IOCapabilityRequestNegativeReply, "17 31 36 06", ""},
		"number at both ends": {true, numbers(true), numbers(true), "AB", hcipacket.UserConfirmationRequest,
			controller.UserConfirmationRequestReply, "17 31 32 33 36 06", "32 31 33 36"},
		"number": {true, numbers(true), numbers(true), "B", hcipacket.UserConfirmationRequest,
			controller.UserConfirmationRequestReply, "17 31 32 33 36 06", "32 31 33 36"},
		"number, own host": {true, numbers(true), numbers(true), "A", hcipacket.UserConfirmationRequest,
			controller.UserConfirmationRequestReply, "17 31 32 33 36 06", "32 31 33 36"},
		"passkey": {true, &keyStore{io: keyboardOnly}, &keyStore{io: keyboardOnly}, "AB", hcipacket.UserPasskeyRequest,
			controller.UserPasskeyRequestNegativeReply, "17 31 32 34 36 06", "32 31 34 36"},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				if tt.simple {
					pairable(false, a, b)
				}
				ofA, _ := connect(a, b)
				a.useKeyStore(tt.a)
				b.useKeyStore(tt.b)
				for _, h := range []*host{a, b} {
					h.answers[hcipacket.LinkKeyNotification] = nil
				}
				silent := map[string][]*host{"A": {a}, "B": {b}, "AB": {a, b}}[tt.silent]
				for _, h := range silent {
					delete(h.answers, tt.event)
				}
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				for _, h := range silent {
					h.event(tt.event)
				}
				time.Sleep(responseTimeout - time.Millisecond)
				for _, h := range []*host{a, b} {
					h.expectNothing()
				}
				time.Sleep(time.Millisecond)
				time.Sleep(time.Hour)
				a.wantReceived(tt.ofA)
				b.wantReceived(tt.ofB)
				for _, h := range silent {
					delete(h.answers, hcipacket.CommandComplete)
				}
				if tt.simple {
					a.wantStatus(hcipacket.SimplePairingComplete, hcipacket.ResponseTimeout)
					if tt.ofB != "" {
						b.wantStatus(hcipacket.SimplePairingComplete, hcipacket.ResponseTimeout)
					}
				}
				a.wantStatus(hcipacket.AuthenticationComplete, hcipacket.ResponseTimeout)
				for h, other := range map[*host]*host{a: b, b: a} {
					delete(h.answers, hcipacket.CommandComplete)
					if status, _ := h.complete(tt.late, other.address().Uint8(0)); status != hcipacket.CommandDisallowed {
						t.Errorf("%s: a late answer: %v", h.name, status)
					}
				}

				// The link stays, and pairing is possible again.
				a.useKeyStore(&keyStore{io: noInputNoOutput, confirm: true, pin: "1"})
				b.useKeyStore(&keyStore{io: noInputNoOutput, confirm: true, pin: "1"})
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				if tt.simple {
					a.wantStatus(hcipacket.SimplePairingComplete, hcipacket.Success)
				}
				a.wantStatus(hcipacket.AuthenticationComplete, hcipacket.Success)
			})
		})
	}
}

// Each message of a pairing restarts the timeout.
func TestPairingTimeoutRestarts(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, _ := connect(a, b)
		for _, h := range []*host{a, b} {
			h.useKeyStore(&keyStore{io: displayYesNo, confirm: true})
			delete(h.answers, hcipacket.UserConfirmationRequest)
		}
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.UserConfirmationRequest)
		b.event(hcipacket.UserConfirmationRequest)
		time.Sleep(20 * time.Second)
		a.send(controller.UserConfirmationRequestReply, b.address())
		time.Sleep(20 * time.Second)
		a.expectNothing()
		b.send(controller.UserConfirmationRequestReply, a.address())
		a.wantStatus(hcipacket.SimplePairingComplete, hcipacket.Success)
		a.wantStatus(hcipacket.AuthenticationComplete, hcipacket.Success)
		b.wantStatus(hcipacket.SimplePairingComplete, hcipacket.Success)
		time.Sleep(time.Hour)
		a.expectNothing()
		b.expectNothing()
	})
}

// The time that the own host has taken for its key does not count for the peer.
func TestAuthenticationTimeoutRestarts(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.LinkKeyRequest)
		time.Sleep(20 * time.Second)
		a.do(controller.LinkKeyRequestReply, append(b.address(), make([]byte, 16)...))
		b.event(hcipacket.LinkKeyRequest)
		time.Sleep(responseTimeout - time.Millisecond)
		a.expectNothing()
		time.Sleep(time.Millisecond)
		a.wantStatus(hcipacket.AuthenticationComplete, hcipacket.ResponseTimeout)
		b.expectNothing()
	})
}

// A pairing ends together with its link.
func TestPairingEndsWithTheLink(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, ofB := connect(a, b)
		for _, h := range []*host{a, b} {
			h.useKeyStore(&keyStore{io: displayYesNo})
			delete(h.answers, hcipacket.UserConfirmationRequest)
		}
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.UserConfirmationRequest)
		b.event(hcipacket.UserConfirmationRequest)
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Uint8(0x13))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		b.disconnected(ofB, hcipacket.RemoteUserTerminated)
		time.Sleep(time.Hour)
		a.expectNothing()
		b.expectNothing()
	})
}

// A reset ends pairings together with links.
func TestPairingEndsWithAReset(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, _ := connect(a, b)
		a.useKeyStore(&keyStore{io: displayYesNo})
		b.useKeyStore(&keyStore{io: displayYesNo})
		delete(a.answers, hcipacket.UserConfirmationRequest)
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.UserConfirmationRequest)
		a.send(controller.Reset, nil)
		time.Sleep(time.Hour)
		a.expectNothing()
	})
}

// A stalled link carries no messages, so each end that waits for one gives up.
func TestPairingOverAStalledLink(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, _ := connect(a, b)
		a.useKeyStore(&keyStore{io: displayYesNo})
		b.useKeyStore(&keyStore{io: displayYesNo})
		a.locked(func() { a.conditions(b).Stall() })
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.expectNothing()
		time.Sleep(responseTimeout)
		a.wantStatus(hcipacket.SimplePairingComplete, hcipacket.ResponseTimeout)
		a.wantStatus(hcipacket.AuthenticationComplete, hcipacket.ResponseTimeout)
		b.expectNothing()
	})
}

// The central's procedure prevails when both ends' first messages cross
// (Volume 2, Part C, section 2.5.1). A is the central.
func TestPairingByBothEndsCollides(t *testing.T) {
	key, other := &[16]byte{1}, &[16]byte{1}
	works := func() *keyStore { return &keyStore{io: noInputNoOutput, confirm: true} }
	for name, tt := range map[string]struct {
		simple   bool
		a, b     *keyStore
		ofB      hcipacket.Status
		kind     int
		allA     string
		allB     string
		statusOf hcipacket.Status // of A
	}{
		"simple pairing": {true, works(), works(), hcipacket.TransactionCollision, 4,
			"17 31 32 33 36 18 06", "17 31 32 06 33 36 18", 0},
		"PIN": {false, &keyStore{pin: "1"}, &keyStore{pin: "1"}, hcipacket.TransactionCollision, 0,
			"17 16 18 06", "17 16 16 18 06", 0},
		"key": {false, &keyStore{key: key}, &keyStore{key: other}, hcipacket.TransactionCollision, 0,
			"17 06", "17 17 06", 0},
		"key and simple pairing": {true, &keyStore{key: key}, works(), hcipacket.DifferentCollision, noKey,
			"17 06", "17 31 17 36 06", hcipacket.KeyMissing},
	} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				if tt.simple {
					pairable(false, a, b)
				}
				ofA, ofB := connect(a, b)
				a.useKeyStore(tt.a)
				b.useKeyStore(tt.b)
				a.locked(func() { a.conditions(b).SetDelay(50 * time.Millisecond) })
				a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
				b.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofB))
				time.Sleep(time.Second)
				if tt.simple && tt.kind != noKey {
					a.wantStatus(hcipacket.SimplePairingComplete, 0)
				}
				a.wantStatus(hcipacket.AuthenticationComplete, tt.statusOf)
				a.expectNothing()
				a.wantReceived(tt.allA)
				b.wantReceived(tt.allB)
				statuses := b.statuses()
				if statuses[hcipacket.AuthenticationComplete] != tt.ofB {
					t.Errorf("B: %v, want %v", statuses[hcipacket.AuthenticationComplete], tt.ofB)
				}
				if tt.kind != noKey {
					wantKeys(t, tt.a, tt.b, tt.kind)
				}
			})
		})
	}
}

// statuses takes all received events and returns the first parameter of each
// kind.
func (h *host) statuses() map[hcipacket.EventCode]hcipacket.Status {
	statuses := make(map[hcipacket.EventCode]hcipacket.Status)
	for next := h.next(); next != nil; next = h.next() {
		if event, ok := next.(hcipacket.Event); ok {
			statuses[event.Code] = hcipacket.Status(event.Parameters[0])
		}
	}
	return statuses
}

// Without a delay, the messages of the two ends do not cross. The host that is
// later waits for the other's procedure, and then uses its key.
func TestPairingByBothEndsInTurn(t *testing.T) {
	for name, first := range map[string]int{"central first": 0, "peripheral first": 1} {
		t.Run(name, func(t *testing.T) {
			withHosts(t, func(t *testing.T, a, b, _ *host) {
				pairable(false, a, b)
				ofA, ofB := connect(a, b)
				stores := []*keyStore{{io: noInputNoOutput, confirm: true}, {io: noInputNoOutput, confirm: true}}
				hosts, handles := []*host{a, b}, []hcipacket.Handle{ofA, ofB}
				for i, h := range hosts {
					h.useKeyStore(stores[i])
					delete(h.answers, hcipacket.UserConfirmationRequest)
				}
				early, late := hosts[first], hosts[1-first]
				early.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(handles[first]))
				early.event(hcipacket.UserConfirmationRequest)
				late.event(hcipacket.UserConfirmationRequest)
				for range 2 {
					late.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(handles[1-first]))
				}
				late.expectNothing()
				early.send(controller.UserConfirmationRequestReply, late.address())
				late.send(controller.UserConfirmationRequestReply, early.address())
				early.wantStatus(hcipacket.SimplePairingComplete, 0)
				early.wantStatus(hcipacket.AuthenticationComplete, 0)
				late.wantStatus(hcipacket.SimplePairingComplete, 0)
				for range 2 {
					late.wantStatus(hcipacket.AuthenticationComplete, 0)
				}
				wantKeys(t, stores[0], stores[1], 4)
				early.wantReceived("17 31 32 33 36 18 06 17 17")
				late.wantReceived("32 31 33 36 18 17 06 17 06")
			})
		})
	}
}

// If the other end begins while this host still has to answer a question, its
// answer counts for the other end's pairing.
func TestPairingTakesOverAQuestion(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, ofB := connect(a, b)
		stores := []*keyStore{{io: noInputNoOutput, confirm: true}, {io: noInputNoOutput, confirm: true}}
		a.useKeyStore(stores[0])
		b.useKeyStore(stores[1])
		delete(b.answers, hcipacket.IOCapabilityRequest)
		b.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofB))
		b.event(hcipacket.IOCapabilityRequest)
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		b.expectNothing()
		b.send(controller.IOCapabilityRequestReply, a.address().Uint8(3, 0, 2))
		b.wantStatus(hcipacket.SimplePairingComplete, 0)
		b.wantStatus(hcipacket.AuthenticationComplete, 0)
		wantKeys(t, stores[0], stores[1], 4)
		a.wantReceived("17 31 32 33 36 18 06 17")
		b.wantReceived("17 31 32 33 36 18 17 06")
	})
}

// A host that is asked for its key takes part in the other end's pairing first.
// Its answer does not count afterwards, because there is a new key.
func TestPairingDisplacesAnUnsentOne(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, ofB := connect(a, b)
		stores := []*keyStore{{io: noInputNoOutput, confirm: true}, {io: noInputNoOutput, confirm: true}}
		a.useKeyStore(stores[0])
		b.useKeyStore(stores[1])
		delete(b.answers, hcipacket.LinkKeyRequest)
		b.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofB))
		b.event(hcipacket.LinkKeyRequest)
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		b.wantStatus(hcipacket.SimplePairingComplete, 0)
		b.event(hcipacket.LinkKeyRequest)
		b.send(controller.LinkKeyRequestNegativeReply, a.address())
		b.expectNothing()
		b.send(controller.LinkKeyRequestReply, append(a.address(), stores[1].key[:]...))
		b.wantStatus(hcipacket.AuthenticationComplete, 0)
		a.wantReceived("17 31 32 33 36 18 06 17")
		b.wantReceived("17 32 31 33 36 18 17 06")
		time.Sleep(time.Hour)
		b.expectNothing()
	})
}

// An end that has given up a pairing can begin another one while the other end
// still waits for its host. The other end then gives up the first one.
func TestPairingReplacesOneGivenUp(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		pairable(false, a, b)
		ofA, _ := connect(a, b)
		stores := []*keyStore{{io: noInputNoOutput, confirm: true}, {io: noInputNoOutput, confirm: true}}
		a.useKeyStore(stores[0])
		b.useKeyStore(stores[1])
		answer := b.answers[hcipacket.IOCapabilityRequest]
		delete(b.answers, hcipacket.IOCapabilityRequest)
		a.locked(func() { a.conditions(b).SetDelay(10 * time.Second) })
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		time.Sleep(responseTimeout)
		b.event(hcipacket.IOCapabilityRequest)
		a.wantStatus(hcipacket.SimplePairingComplete, hcipacket.ResponseTimeout)
		a.wantStatus(hcipacket.AuthenticationComplete, hcipacket.ResponseTimeout)
		b.expectNothing()

		b.answers[hcipacket.IOCapabilityRequest] = answer
		a.locked(func() { a.conditions(b).SetDelay(0) })
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.wantStatus(hcipacket.SimplePairingComplete, 0)
		a.wantStatus(hcipacket.AuthenticationComplete, 0)
		b.wantStatus(hcipacket.SimplePairingComplete, hcipacket.ResponseTimeout)
		b.wantStatus(hcipacket.SimplePairingComplete, 0)
		wantKeys(t, stores[0], stores[1], 4)
		time.Sleep(time.Hour)
		a.expectNothing()
		b.expectNothing()
	})
}
