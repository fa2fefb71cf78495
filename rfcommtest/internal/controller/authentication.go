package controller

import (
	"crypto/rand"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Authentication checks that both hosts hold the same link key. If the host
// that requests it has no key, the controllers make one: by Secure Simple
// Pairing, or by a PIN if one of the hosts has not enabled simple pairing
// (Volume 2, Part C, section 4.2; Volume 2, Part F has the order of commands
// and events). The keys are random numbers here, and nothing is encrypted;
// hosts cannot detect that.

// A keyType is the Key_Type of HCI_Link_Key_Notification (section 7.7.24).
type keyType uint8

const (
	combinationKey         keyType = 0x00 // made by a PIN
	unauthenticatedKey     keyType = 0x04 // made by Secure Simple Pairing
	authenticatedKey       keyType = 0x05
	unauthenticatedP256Key keyType = 0x07 // made by it with Secure Connections
	authenticatedP256Key   keyType = 0x08
)

// remote returns the other end of the connection. The link managers have
// exchanged the features of their hosts, so using those takes no message.
func (conn *connection) remote() *connection { return conn.end.Peer().Owner.(*connection) }

// start compares the keys of both hosts (LMP_AU_RAND and LMP_SRES).
func (p *procedure) start() {
	p.askKey(func(key *[16]byte) {
		if key == nil {
			p.pair()
			return
		}
		p.begin(auRand, func(q *procedure) {
			q.askKey(func(others *[16]byte) { q.compareKeys(key, others) })
		})
	})
}

// compareKeys ends an authentication with the keys of the host that has
// requested it and of the other host.
func (p *procedure) compareKeys(key, others *[16]byte) {
	switch {
	case others == nil:
		p.finish(hcipacket.KeyMissing)
	case *others != *key:
		p.finish(hcipacket.AuthenticationFailure)
	default:
		p.key = key
		p.send(func(q *procedure) {
			q.key = key
			q.conclude(hcipacket.Success)
		})
		p.conclude(hcipacket.Success)
	}
}

// pair makes a key by simple pairing if both hosts have enabled it, and by a
// PIN otherwise.
func (p *procedure) pair() {
	if p.settings.simplePairing != 0 && p.remote().settings.simplePairing != 0 {
		p.pairSimply()
	} else {
		p.pairByPIN()
	}
}

// pairByPIN makes a key if both hosts give the same PIN (LMP_IN_RAND).
func (p *procedure) pairByPIN() {
	p.askPIN(func(pin []byte) {
		if pin == nil {
			p.conclude(hcipacket.KeyMissing)
			return
		}
		p.begin(inRand, func(q *procedure) {
			q.askPIN(func(others []byte) {
				switch {
				case others == nil:
					q.finish(hcipacket.PairingNotAllowed)
				case string(others) != string(pin):
					q.finish(hcipacket.AuthenticationFailure)
				default:
					q.makeKey(combinationKey)
				}
			})
		})
	})
}

// makeKey ends a pairing with a new key.
func (p *procedure) makeKey(kind keyType) {
	key := new([16]byte)
	rand.Read(key[:]) // never fails
	p.send(func(q *procedure) {
		q.keep(key, kind)
		q.conclude(hcipacket.Success)
	})
	p.keep(key, kind)
	p.conclude(hcipacket.Success)
}

// keep gives the host a new key as HCI_Link_Key_Notification (section 7.7.24).
func (p *procedure) keep(key *[16]byte, kind keyType) {
	p.simplePairingComplete(hcipacket.Success)
	p.key = key
	p.bonded()
	parameters := append(hcipacket.Parameters{}.Address(p.peer()), key[:]...)
	p.event(hcipacket.LinkKeyNotification, parameters.Uint8(uint8(kind)))
}
