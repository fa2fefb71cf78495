package controller

import (
	"crypto/rand"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Authentication checks that both hosts hold the same link key. If the hosts
// have no key, the controllers make one: by Secure Simple Pairing with "just
// works", or by a PIN if one of the hosts has not enabled simple pairing
// (Volume 2, Part C, section 4.2; Volume 2, Part F has the order of commands
// and events). The keys are random numbers here, and nothing is encrypted;
// hosts cannot detect that.

// A keyType is the Key_Type of HCI_Link_Key_Notification (section 7.7.24).
type keyType uint8

const (
	combinationKey     keyType = 0x00 // made by a PIN
	unauthenticatedKey keyType = 0x04 // made by "just works" pairing
)

// A pairing holds the questions that the host of one end has not answered yet.
// It is usually empty. The host answers each question once. If both ends have
// begun, the host is asked the same question twice.
type pairing struct {
	onKey     []func(key *[16]byte) // the key is nil if the host has none
	onPIN     []func(pin []byte)    // the PIN is nil if the host refuses
	onIO      []func(capability)
	onConfirm []func(confirmed bool)
}

// A capability holds a device's input and output capability, or the reason why
// it refuses to pair.
type capability struct {
	io      []byte // IO_Capability, OOB_Data_Present, Authentication_Requirements
	refusal hcipacket.Status
}

// The opcodes of pairingCommands.
const (
	LinkKeyRequestReply                  hcipacket.Opcode = 0x040b
	LinkKeyRequestNegativeReply          hcipacket.Opcode = 0x040c
	PINCodeRequestReply                  hcipacket.Opcode = 0x040d
	PINCodeRequestNegativeReply          hcipacket.Opcode = 0x040e
	AuthenticationRequested              hcipacket.Opcode = 0x0411
	SetConnectionEncryption              hcipacket.Opcode = 0x0413
	IOCapabilityRequestReply             hcipacket.Opcode = 0x042b
	UserConfirmationRequestReply         hcipacket.Opcode = 0x042c
	UserConfirmationRequestNegativeReply hcipacket.Opcode = 0x042d
	IOCapabilityRequestNegativeReply     hcipacket.Opcode = 0x0434
)

var pairingCommands = []command{
	{
		opcode: LinkKeyRequestReply, name: "HCI_Link_Key_Request_Reply", section: "7.1.10",
		supported: bit{1, 2}, parameters: 22,
		handle: answer((*pairing).onLinkKeyRequestReply),
	},
	{
		opcode: LinkKeyRequestNegativeReply, name: "HCI_Link_Key_Request_Negative_Reply", section: "7.1.11",
		supported: bit{1, 3}, parameters: 6,
		handle: answer((*pairing).onLinkKeyRequestNegativeReply),
	},
	{
		opcode: PINCodeRequestReply, name: "HCI_PIN_Code_Request_Reply", section: "7.1.12",
		supported: bit{1, 4}, parameters: 23,
		handle: answer((*pairing).onPINCodeRequestReply),
	},
	{
		opcode: PINCodeRequestNegativeReply, name: "HCI_PIN_Code_Request_Negative_Reply", section: "7.1.13",
		supported: bit{1, 5}, parameters: 6,
		handle: answer((*pairing).onPINCodeRequestNegativeReply),
	},
	{
		opcode: AuthenticationRequested, name: "HCI_Authentication_Requested", section: "7.1.15",
		supported: bit{1, 7}, parameters: 2,
		handle: (*Controller).onAuthenticationRequested,
	},
	{
		opcode: SetConnectionEncryption, name: "HCI_Set_Connection_Encryption", section: "7.1.16",
		supported: bit{2, 0}, parameters: 3,
		handle: (*Controller).onSetConnectionEncryption,
	},
	{
		opcode: IOCapabilityRequestReply, name: "HCI_IO_Capability_Request_Reply", section: "7.1.29",
		supported: bit{18, 7}, parameters: 9, needs: SimplePairing,
		handle: answer((*pairing).onIOCapabilityRequestReply),
	},
	{
		opcode: UserConfirmationRequestReply, name: "HCI_User_Confirmation_Request_Reply", section: "7.1.30",
		supported: bit{19, 0}, parameters: 6, needs: SimplePairing,
		handle: answer((*pairing).onUserConfirmationRequestReply),
	},
	{
		opcode: UserConfirmationRequestNegativeReply, name: "HCI_User_Confirmation_Request_Negative_Reply", section: "7.1.31",
		supported: bit{19, 1}, parameters: 6, needs: SimplePairing,
		handle: answer((*pairing).onUserConfirmationRequestNegativeReply),
	},
	{
		opcode: IOCapabilityRequestNegativeReply, name: "HCI_IO_Capability_Request_Negative_Reply", section: "7.1.36",
		supported: bit{20, 3}, parameters: 7, needs: SimplePairing,
		handle: answer((*pairing).onIOCapabilityRequestNegativeReply),
	},
}

func (c *Controller) onAuthenticationRequested(f *hcipacket.Fields) reply {
	conn := c.connections[f.Handle()]
	if conn == nil {
		return rejected(hcipacket.UnknownConnection)
	}
	return pending(conn.authenticate)
}

func (c *Controller) onSetConnectionEncryption(f *hcipacket.Fields) reply {
	conn, on := c.connections[f.Handle()], f.Uint8() != 0
	switch {
	case conn == nil:
		return rejected(hcipacket.UnknownConnection)
	case conn.key == nil:
		return rejected(hcipacket.KeyMissing)
	}
	return pending(func() { conn.encrypt(on) })
}

// answer makes the handler of a host's answer to a question. Its first
// parameter and its only return parameter are the address of the device that
// the question is about. An answer without a pending question is rejected.
func answer(take func(p *pairing, f *hcipacket.Fields) func()) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		address := f.Address()
		returns := hcipacket.Parameters{}.Address(address)
		conn := c.connectionTo(address)
		if conn == nil {
			return reply{status: hcipacket.UnknownConnection, returns: returns}
		}
		then := take(&conn.pairing, f)
		if then == nil {
			return reply{status: hcipacket.CommandDisallowed, returns: returns}
		}
		return reply{returns: returns, then: then}
	}
}

// take removes the oldest pending question and returns a function that passes
// the answer to it. It returns nil if no question is pending.
func take[A any](questions *[]func(A), answer A) func() {
	if len(*questions) == 0 {
		return nil
	}
	oldest := (*questions)[0]
	*questions = (*questions)[1:]
	return func() { oldest(answer) }
}

func (p *pairing) onLinkKeyRequestReply(f *hcipacket.Fields) func() {
	key := f.Key()
	return take(&p.onKey, &key)
}

func (p *pairing) onLinkKeyRequestNegativeReply(*hcipacket.Fields) func() {
	return take(&p.onKey, nil)
}

func (p *pairing) onPINCodeRequestReply(f *hcipacket.Fields) func() {
	n := int(f.Uint8())
	pin := append([]byte(nil), f.Bytes(16)[:min(n, 16)]...)
	return take(&p.onPIN, pin)
}

func (p *pairing) onPINCodeRequestNegativeReply(*hcipacket.Fields) func() {
	return take(&p.onPIN, nil)
}

func (p *pairing) onIOCapabilityRequestReply(f *hcipacket.Fields) func() {
	io := append([]byte(nil), f.Bytes(3)...)
	return take(&p.onIO, capability{io: io})
}

func (p *pairing) onIOCapabilityRequestNegativeReply(f *hcipacket.Fields) func() {
	reason := hcipacket.Status(f.Uint8())
	if reason == hcipacket.Success {
		reason = hcipacket.PairingNotAllowed // a negative reply is a refusal for any reason
	}
	return take(&p.onIO, capability{refusal: reason})
}

func (p *pairing) onUserConfirmationRequestReply(*hcipacket.Fields) func() {
	return take(&p.onConfirm, true)
}

func (p *pairing) onUserConfirmationRequestNegativeReply(*hcipacket.Fields) func() {
	return take(&p.onConfirm, false)
}

// askKey asks the host for its link key. A host that masks the question has
// none (section 7.7.23).
func (conn *connection) askKey(on func(key *[16]byte)) {
	if conn.masked(hcipacket.LinkKeyRequest) {
		on(nil)
		return
	}
	conn.pairing.onKey = append(conn.pairing.onKey, on)
	conn.event(hcipacket.LinkKeyRequest, hcipacket.Parameters{}.Address(conn.peer()))
}

// askPIN asks the host for a PIN. A host that masks the question has none
// (section 7.7.22).
func (conn *connection) askPIN(on func(pin []byte)) {
	if conn.masked(hcipacket.PINCodeRequest) {
		on(nil)
		return
	}
	conn.pairing.onPIN = append(conn.pairing.onPIN, on)
	conn.event(hcipacket.PINCodeRequest, hcipacket.Parameters{}.Address(conn.peer()))
}

func (conn *connection) askIO(on func(own capability)) {
	conn.pairing.onIO = append(conn.pairing.onIO, on)
	conn.event(hcipacket.IOCapabilityRequest, hcipacket.Parameters{}.Address(conn.peer()))
}

func (conn *connection) askConfirmation(number uint32, on func(confirmed bool)) {
	conn.pairing.onConfirm = append(conn.pairing.onConfirm, on)
	conn.event(hcipacket.UserConfirmationRequest, hcipacket.Parameters{}.Address(conn.peer()).Uint32(number))
}

// authenticationComplete sends HCI_Authentication_Complete (section 7.7.6).
func (conn *connection) authenticationComplete(status hcipacket.Status) {
	conn.event(hcipacket.AuthenticationComplete, hcipacket.Parameters{}.Status(status).Handle(conn.handle))
}

// authenticate compares the keys of both hosts (LMP_au_rand and LMP_sres).
func (conn *connection) authenticate() {
	conn.askKey(func(key *[16]byte) {
		if key == nil {
			conn.pair()
			return
		}
		conn.sendLMP(func(peer *connection) {
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
				peer.sendLMP(func(conn *connection) {
					if status == hcipacket.Success {
						conn.key = key
					}
					conn.authenticationComplete(status)
				})
			})
		})
	})
}

// pair makes a key by simple pairing if both hosts have enabled it, and by a
// PIN otherwise.
func (conn *connection) pair() {
	conn.sendLMP(func(peer *connection) {
		simple := peer.settings.simplePairing != 0
		peer.sendLMP(func(conn *connection) {
			if simple && conn.settings.simplePairing != 0 {
				conn.pairSimply()
			} else {
				conn.pairByPIN()
			}
		})
	})
}

// pairByPIN makes a key if both hosts give the same PIN (LMP_in_rand).
func (conn *connection) pairByPIN() {
	conn.askPIN(func(pin []byte) {
		if pin == nil {
			conn.authenticationComplete(hcipacket.KeyMissing)
			return
		}
		conn.sendLMP(func(peer *connection) {
			peer.askPIN(func(others []byte) {
				status := hcipacket.Success
				switch {
				case others == nil:
					status = hcipacket.PairingNotAllowed
				case string(others) != string(pin):
					status = hcipacket.AuthenticationFailure
				}
				peer.sendLMP(func(conn *connection) { conn.paired(status, combinationKey) })
			})
		})
	})
}

// pairSimply exchanges the input and output capabilities (LMP_IO_Capability_req
// and LMP_IO_Capability_res), and asks both hosts to confirm.
func (conn *connection) pairSimply() {
	conn.askIO(func(own capability) {
		if own.io == nil {
			conn.simplePairingComplete(own.refusal)
			return
		}
		conn.sendLMP(func(peer *connection) {
			peer.ioCapabilityResponse(own.io)
			peer.askIO(func(others capability) {
				peer.sendLMP(func(conn *connection) {
					if others.io == nil {
						conn.simplePairingComplete(others.refusal)
						return
					}
					conn.ioCapabilityResponse(others.io)
					conn.confirm()
				})
			})
		})
	})
}

// ioCapabilityResponse sends HCI_IO_Capability_Response (section 7.7.41), which
// describes the other device.
func (conn *connection) ioCapabilityResponse(io []byte) {
	conn.event(hcipacket.IOCapabilityResponse, append(hcipacket.Parameters{}.Address(conn.peer()), io...))
}

// confirm asks both hosts at the same time to confirm the pairing. With "just
// works" a host answers without asking its user. The end that began collects
// both answers.
func (conn *connection) confirm() {
	var number [4]byte
	rand.Read(number[:]) // never fails
	value := (uint32(number[0]) | uint32(number[1])<<8 | uint32(number[2])<<16) % 1_000_000
	var own, others *bool
	decide := func(conn *connection) {
		if own == nil || others == nil {
			return
		}
		if *own && *others {
			conn.simplePairingComplete(hcipacket.Success)
		} else {
			conn.simplePairingComplete(hcipacket.AuthenticationFailure)
		}
	}
	conn.sendLMP(func(peer *connection) {
		peer.askConfirmation(value, func(confirmed bool) {
			peer.sendLMP(func(conn *connection) {
				others = &confirmed
				decide(conn)
			})
		})
	})
	conn.askConfirmation(value, func(confirmed bool) {
		own = &confirmed
		decide(conn)
	})
}

// simplePairingComplete sends HCI_Simple_Pairing_Complete (section 7.7.45) at
// both ends.
func (conn *connection) simplePairingComplete(status hcipacket.Status) {
	report := func(conn *connection) {
		conn.event(hcipacket.SimplePairingComplete, hcipacket.Parameters{}.Status(status).Address(conn.peer()))
	}
	report(conn)
	conn.sendLMP(report)
	conn.paired(status, unauthenticatedKey)
}

// paired gives both hosts their key as HCI_Link_Key_Notification (section
// 7.7.24), and completes the authentication.
func (conn *connection) paired(status hcipacket.Status, kind keyType) {
	if status == hcipacket.Success {
		key := new([16]byte)
		rand.Read(key[:]) // never fails
		keep := func(conn *connection) {
			conn.key = key
			p := append(hcipacket.Parameters{}.Address(conn.peer()), key[:]...)
			conn.event(hcipacket.LinkKeyNotification, p.Uint8(uint8(kind)))
		}
		keep(conn)
		conn.sendLMP(keep)
	}
	conn.authenticationComplete(status)
}

// keySizeTime is how long the host may take, after HCI_Encryption_Change, to
// read the encryption key size.
const keySizeTime = 100 * time.Millisecond

// encrypt turns encryption on or off, first at the peer and then at this end
// (LMP_encryption_mode_req). Linux rejects data on an encrypted connection
// until it has read the key size (l2cap_check_enc_key_size). With real
// controllers it reads the key size before the other end can send anything.
// Here this end waits until the peer's host has read the key size, at most
// keySizeTime.
func (conn *connection) encrypt(on bool) {
	conn.sendLMP(func(peer *connection) {
		peer.keySizeRead() // completes an earlier change
		peer.encryptionChange(on)
		peer.afterKeySize = func() {
			peer.sendLMP(func(conn *connection) { conn.encryptionChange(on) })
		}
		if _, readable := peer.command(ReadEncryptionKeySize); !on || !readable {
			peer.keySizeRead()
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(keySizeTime, func() {
			peer.station.Locked(func() {
				if peer.keySizeTimer == timer { // not replaced by a later change
					peer.keySizeRead()
				}
			})
		})
		peer.keySizeTimer = timer
	})
}

// encryptionChange sends HCI_Encryption_Change (section 7.7.8).
func (conn *connection) encryptionChange(on bool) {
	enabled := uint8(0)
	if on {
		enabled = 1
	}
	conn.event(hcipacket.EncryptionChange, hcipacket.Parameters{}.Status(hcipacket.Success).Handle(conn.handle).Uint8(enabled))
}

// keySizeRead lets the other end complete a pending change of encryption.
func (conn *connection) keySizeRead() {
	after := conn.afterKeySize
	if after == nil {
		return
	}
	conn.afterKeySize = nil
	if conn.keySizeTimer != nil {
		conn.keySizeTimer.Stop()
		conn.keySizeTimer = nil
	}
	if conn.connections[conn.handle] == conn {
		after()
	}
}
