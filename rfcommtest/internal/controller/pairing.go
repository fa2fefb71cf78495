package controller

import (
	"crypto/rand"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Two controllers prove to each other that their hosts hold the same link key,
// and make one if there is none, by simple pairing in its "just works" form or,
// if one of the hosts has that turned off, by a PIN (Volume 2, Part C, section
// 4.2; Part F has the order of commands and events). The keys themselves are
// random numbers here, and nothing is enciphered: hosts cannot tell.

// keyKind tells a host how its key was made (section 7.7.24).
type keyKind uint8

const (
	combinationKey     keyKind = 0x00 // by a PIN
	unauthenticatedKey keyKind = 0x04 // by simple pairing that nobody confirmed
)

// A pairing is what one end of a link is waiting for from its host. It is empty
// most of the time. The host answers each question once: if both ends have begun,
// it is asked the same twice.
type pairing struct {
	onKey     []func(key *[16]byte) // nil if the host has none
	onPIN     []func(pin []byte)    // nil if the host refuses
	onIO      []func(capability)
	onConfirm []func(confirmed bool)
}

// A capability is what a device has for input and output, or why it will not pair.
type capability struct {
	io      []byte // IO capability, OOB data present, authentication requirements
	refusal hcipacket.Status
}

var pairingCommands = map[hcipacket.Opcode]known{
	hcipacket.AuthenticationRequested: {1, 7, 2, func(c *Controller, f *hcipacket.Fields) reply {
		l := c.connections[f.Handle()]
		if l == nil {
			return refused(hcipacket.UnknownConnection)
		}
		return begun(l.authenticate)
	}},
	hcipacket.SetConnectionEncryption: {2, 0, 3, func(c *Controller, f *hcipacket.Fields) reply {
		l, on := c.connections[f.Handle()], f.Uint8() != 0
		switch {
		case l == nil:
			return refused(hcipacket.UnknownConnection)
		case l.key == nil:
			return refused(hcipacket.KeyMissing)
		}
		return begun(func() { l.encrypt(on) })
	}},
	hcipacket.LinkKeyRequestReply: {1, 2, 22, answer(func(p *pairing, f *hcipacket.Fields) func() {
		key := f.Key()
		return take(&p.onKey, &key)
	})},
	hcipacket.LinkKeyRequestNegativeReply: {1, 3, 6, answer(func(p *pairing, _ *hcipacket.Fields) func() {
		return take(&p.onKey, nil)
	})},
	hcipacket.PINCodeRequestReply: {1, 4, 23, answer(func(p *pairing, f *hcipacket.Fields) func() {
		n := int(f.Uint8())
		pin := append([]byte(nil), f.Bytes(16)[:min(n, 16)]...)
		return take(&p.onPIN, pin)
	})},
	hcipacket.PINCodeRequestNegativeReply: {1, 5, 6, answer(func(p *pairing, _ *hcipacket.Fields) func() {
		return take(&p.onPIN, nil)
	})},
	hcipacket.IOCapabilityReply: {18, 7, 9, answer(func(p *pairing, f *hcipacket.Fields) func() {
		io := append([]byte(nil), f.Bytes(3)...)
		return take(&p.onIO, capability{io: io})
	})},
	hcipacket.IOCapabilityNegativeReply: {20, 3, 7, answer(func(p *pairing, f *hcipacket.Fields) func() {
		reason := hcipacket.Status(f.Uint8())
		if reason == hcipacket.Success {
			reason = hcipacket.PairingNotAllowed // it is a refusal all the same
		}
		return take(&p.onIO, capability{refusal: reason})
	})},
	hcipacket.UserConfirmationReply: {19, 0, 6, answer(func(p *pairing, _ *hcipacket.Fields) func() {
		return take(&p.onConfirm, true)
	})},
	hcipacket.UserConfirmationNegative: {19, 1, 6, answer(func(p *pairing, _ *hcipacket.Fields) func() {
		return take(&p.onConfirm, false)
	})},
}

// answer makes a handler of a host's answer about a device, which is its first
// parameter. An answer that nobody waits for is refused.
func answer(take func(p *pairing, f *hcipacket.Fields) func()) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		address := f.Address()
		values := hcipacket.Parameters{}.Address(address)
		l := c.connectionTo(address)
		if l == nil {
			return reply{status: hcipacket.UnknownConnection, values: values}
		}
		then := take(&l.pairing, f)
		if then == nil {
			return reply{status: hcipacket.CommandDisallowed, values: values}
		}
		return reply{values: values, then: then}
	}
}

// take returns what calls the function that waits longest for a host's answer, if
// there is one, and has it wait no more.
func take[A any](waiting *[]func(A), answer A) func() {
	if len(*waiting) == 0 {
		return nil
	}
	on := (*waiting)[0]
	*waiting = (*waiting)[1:]
	return func() { on(answer) }
}

func (l *connection) askKey(on func(key *[16]byte)) {
	l.pairing.onKey = append(l.pairing.onKey, on)
	l.event(hcipacket.LinkKeyRequest, hcipacket.Parameters{}.Address(l.peer()))
}

func (l *connection) askPIN(on func(pin []byte)) {
	l.pairing.onPIN = append(l.pairing.onPIN, on)
	l.event(hcipacket.PINCodeRequest, hcipacket.Parameters{}.Address(l.peer()))
}

func (l *connection) askIO(on func(own capability)) {
	l.pairing.onIO = append(l.pairing.onIO, on)
	l.event(hcipacket.IOCapabilityRequest, hcipacket.Parameters{}.Address(l.peer()))
}

func (l *connection) authenticated(status hcipacket.Status) {
	l.event(hcipacket.AuthenticationComplete, hcipacket.Parameters{}.Status(status).Handle(l.handle))
}

// authenticate has both hosts show that they hold the same key.
func (l *connection) authenticate() {
	l.askKey(func(key *[16]byte) {
		if key == nil {
			l.pair()
			return
		}
		l.sendLMP(func(peer *connection) {
			peer.askKey(func(others *[16]byte) {
				status := hcipacket.Success
				switch {
				case others == nil:
					status = hcipacket.KeyMissing
				case *others != *key:
					status = hcipacket.AuthenticationFailure
				default:
					peer.key = key
				}
				peer.sendLMP(func(l *connection) {
					if status == hcipacket.Success {
						l.key = key
					}
					l.authenticated(status)
				})
			})
		})
	})
}

// pair makes a key, in the way that both hosts can.
func (l *connection) pair() {
	l.sendLMP(func(peer *connection) {
		simple := peer.settings.simplePairing != 0
		peer.sendLMP(func(l *connection) {
			if simple && l.settings.simplePairing != 0 {
				l.pairSimply()
			} else {
				l.pairByPIN()
			}
		})
	})
}

// pairByPIN makes a key if both hosts give the same PIN.
func (l *connection) pairByPIN() {
	l.askPIN(func(pin []byte) {
		if pin == nil {
			l.authenticated(hcipacket.KeyMissing)
			return
		}
		l.sendLMP(func(peer *connection) {
			peer.askPIN(func(others []byte) {
				status := hcipacket.Success
				switch {
				case others == nil:
					status = hcipacket.PairingNotAllowed
				case string(others) != string(pin):
					status = hcipacket.AuthenticationFailure
				}
				peer.sendLMP(func(l *connection) { l.paired(status, combinationKey) })
			})
		})
	})
}

// pairSimply exchanges what the devices have for input and output, and asks both
// hosts to confirm.
func (l *connection) pairSimply() {
	l.askIO(func(own capability) {
		if own.io == nil {
			l.simplyPaired(own.refusal)
			return
		}
		l.sendLMP(func(peer *connection) {
			peer.ioResponse(own.io)
			peer.askIO(func(others capability) {
				peer.sendLMP(func(l *connection) {
					if others.io == nil {
						l.simplyPaired(others.refusal)
						return
					}
					l.ioResponse(others.io)
					l.confirm()
				})
			})
		})
	})
}

// ioResponse tells the host what the other device has for input and output.
func (l *connection) ioResponse(io []byte) {
	l.event(hcipacket.IOCapabilityResponse, append(hcipacket.Parameters{}.Address(l.peer()), io...))
}

// confirm asks both hosts whether to go on. In "just works" a host answers by
// itself.
func (l *connection) confirm() {
	var number [4]byte
	rand.Read(number[:]) // never fails
	value := (uint32(number[0]) | uint32(number[1])<<8 | uint32(number[2])<<16) % 1_000_000
	ask := func(l *connection, on func(bool)) {
		l.pairing.onConfirm = append(l.pairing.onConfirm, on)
		l.event(hcipacket.UserConfirmationRequest, hcipacket.Parameters{}.Address(l.peer()).Uint32(value))
	}
	// Both are asked at the same time; the one who began learns both answers.
	var own, others *bool
	decide := func(l *connection) {
		if own == nil || others == nil {
			return
		}
		if *own && *others {
			l.simplyPaired(hcipacket.Success)
		} else {
			l.simplyPaired(hcipacket.AuthenticationFailure)
		}
	}
	l.sendLMP(func(peer *connection) {
		ask(peer, func(confirmed bool) {
			peer.sendLMP(func(l *connection) {
				others = &confirmed
				decide(l)
			})
		})
	})
	ask(l, func(confirmed bool) {
		own = &confirmed
		decide(l)
	})
}

// simplyPaired ends simple pairing at both ends.
func (l *connection) simplyPaired(status hcipacket.Status) {
	report := func(l *connection) {
		l.event(hcipacket.SimplePairingComplete, hcipacket.Parameters{}.Status(status).Address(l.peer()))
	}
	report(l)
	l.sendLMP(report)
	l.paired(status, unauthenticatedKey)
}

// paired gives both hosts their key, and ends the authentication.
func (l *connection) paired(status hcipacket.Status, kind keyKind) {
	if status == hcipacket.Success {
		key := new([16]byte)
		rand.Read(key[:]) // never fails
		keep := func(l *connection) {
			l.key = key
			p := append(hcipacket.Parameters{}.Address(l.peer()), key[:]...)
			l.event(hcipacket.LinkKeyNotification, p.Uint8(uint8(kind)))
		}
		keep(l)
		l.sendLMP(keep)
	}
	l.authenticated(status)
}

// keySizeTime is how long a host that was told of encryption has to read the size of
// the key.
const keySizeTime = 100 * time.Millisecond

// encrypt turns encryption on or off at both ends, here last. Linux refuses what comes
// over an encrypted link until it has read the size of the key
// (l2cap_check_enc_key_size). On the air that takes less time than the other end needs
// to go on; here the other end waits for it.
func (l *connection) encrypt(on bool) {
	l.sendLMP(func(peer *connection) {
		peer.keySizeKnown() // of an earlier change
		peer.encryptionChanged(on)
		peer.afterKeySize = func() {
			peer.sendLMP(func(l *connection) { l.encryptionChanged(on) })
		}
		if !on {
			peer.keySizeKnown()
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(keySizeTime, func() {
			peer.station.Locked(func() {
				if peer.keySizeTimer == timer { // no later change has taken its place
					peer.keySizeKnown()
				}
			})
		})
		peer.keySizeTimer = timer
	})
}

func (l *connection) encryptionChanged(on bool) {
	enabled := uint8(0)
	if on {
		enabled = 1
	}
	l.event(hcipacket.EncryptionChange, hcipacket.Parameters{}.Status(hcipacket.Success).Handle(l.handle).Uint8(enabled))
}

// keySizeKnown lets the other end know of encryption, unless it does.
func (l *connection) keySizeKnown() {
	after := l.afterKeySize
	if after == nil {
		return
	}
	l.afterKeySize = nil
	if l.keySizeTimer != nil {
		l.keySizeTimer.Stop()
		l.keySizeTimer = nil
	}
	if l.connections[l.handle] == l {
		after()
	}
}
