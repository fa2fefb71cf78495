package controller

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Secure Simple Pairing (Volume 2, Part C, section 4.2.7) begins with an
// exchange of the IO capabilities, from which the association follows. Then the
// users compare or enter a number. The end that began sends its user's answer
// to the other end, which decides.

// maxPasskey is the highest number that users compare or enter.
const maxPasskey = 999_999

// An agreement is the answer of a user: the number that the user has confirmed,
// read or entered, or nil if the user refuses.
type agreement struct{ number *uint32 }

// pairSimply exchanges the IO capabilities (LMP_IO_CAPABILITY_REQ and
// LMP_IO_CAPABILITY_RES).
func (p *procedure) pairSimply() {
	p.askIO(func(own capability) {
		if own.refusal != 0 {
			p.conclude(own.refusal)
			return
		}
		p.begin(ioCapabilityReq, func(q *procedure) {
			q.ioCapabilityResponse(own.io)
			q.askIO(func(others capability) {
				if others.refusal != 0 {
					q.finish(others.refusal)
					return
				}
				q.send(func(p *procedure) {
					p.ioCapabilityResponse(others.io)
					p.agree(associate(own.io, others.io))
				})
			})
		})
	})
}

// agree makes the users of both ends agree on a random number.
func (p *procedure) agree(how association) {
	var random [4]byte
	rand.Read(random[:]) // never fails
	number := binary.LittleEndian.Uint32(random[:]) % (maxPasskey + 1)
	kind := how.keyType(p.secure())
	p.send(func(q *procedure) {
		q.askUser(how.responder, number, func(own agreement) {
			q.own = &own
			q.decide(kind)
		})
	})
	p.askUser(how.initiator, number, func(own agreement) {
		if own.number == nil {
			p.finish(hcipacket.AuthenticationFailure) // LMP_NUMERIC_COMPARISON_FAILED, LMP_PASSKEY_FAILED
			return
		}
		p.send(func(q *procedure) { // LMP_DHKEY_CHECK, LMP_SIMPLE_PAIRING_CONFIRM
			q.others = &own
			q.decide(kind)
		})
	})
}

// askUser lets the user of this end play a part in the association.
func (p *procedure) askUser(user part, number uint32, on func(agreement)) {
	switch user {
	case compares:
		p.askConfirmation(number, func(confirmed bool) {
			if confirmed {
				on(agreement{&number})
			} else {
				on(agreement{})
			}
		})
	case shows:
		p.event(hcipacket.UserPasskeyNotification, hcipacket.Parameters{}.Address(p.peer()).Uint32(number))
		on(agreement{&number})
	case enters:
		p.askPasskey(on)
	}
}

// decide ends the pairing once the users of both ends have answered.
func (p *procedure) decide(kind keyType) {
	switch {
	case p.own == nil || p.others == nil:
	case p.own.number == nil || *p.own.number != *p.others.number:
		p.finish(hcipacket.AuthenticationFailure)
	default:
		p.makeKey(kind)
	}
}

// ioCapabilityResponse sends HCI_IO_Capability_Response (section 7.7.41), which
// describes the other device.
func (p *procedure) ioCapabilityResponse(io ioCapability) {
	p.event(hcipacket.IOCapabilityResponse, append(hcipacket.Parameters{}.Address(p.peer()), io[:]...))
}

// simplePairingComplete sends HCI_Simple_Pairing_Complete (section 7.7.45) if
// the host expects it.
func (p *procedure) simplePairingComplete(status hcipacket.Status) {
	if p.simple {
		p.simple = false
		p.event(hcipacket.SimplePairingComplete, hcipacket.Parameters{}.Status(status).Address(p.peer()))
	}
}

// SetSimplePairing does the same as HCI_Write_Simple_Pairing_Mode (section
// 7.3.59).
func (c *Controller) SetSimplePairing(on bool) {
	c.settings.simplePairing = 0
	if on {
		c.settings.simplePairing = 1
	}
}
