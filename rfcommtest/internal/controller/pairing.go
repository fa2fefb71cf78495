package controller

import (
	"slices"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A pairing holds the questions that the host of one end has not answered yet.
// It is usually empty. The host answers each question once.
type pairing struct {
	keys          []question[*[16]byte] // the answer is nil if the host has none
	pins          []question[[]byte]    // nil if the host refuses
	io            []question[capability]
	confirmations []question[bool]
	passkeys      []question[agreement]
}

// A question is one that a procedure has asked.
type question[A any] struct {
	of *procedure
	on func(answer A)
}

// A capability holds the input and output capability of a host, or the reason
// why it refuses to pair.
type capability struct {
	io      ioCapability
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
	UserPasskeyRequestReply              hcipacket.Opcode = 0x042e
	UserPasskeyRequestNegativeReply      hcipacket.Opcode = 0x042f
	IOCapabilityRequestNegativeReply     hcipacket.Opcode = 0x0434
	SendKeypressNotification             hcipacket.Opcode = 0x0c60
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
		opcode: UserPasskeyRequestReply, name: "HCI_User_Passkey_Request_Reply", section: "7.1.32",
		supported: bit{19, 2}, parameters: 10, needs: SimplePairing,
		handle: answer((*pairing).onUserPasskeyRequestReply),
	},
	{
		opcode: UserPasskeyRequestNegativeReply, name: "HCI_User_Passkey_Request_Negative_Reply", section: "7.1.33",
		supported: bit{19, 3}, parameters: 6, needs: SimplePairing,
		handle: answer((*pairing).onUserPasskeyRequestNegativeReply),
	},
	{
		opcode: SendKeypressNotification, name: "HCI_Send_Keypress_Notification", section: "7.3.63",
		supported: bit{20, 2}, parameters: 7, needs: SimplePairing,
		handle: (*Controller).onSendKeypressNotification,
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
// the question is about. An answer without a pending question is rejected. The
// question remains pending after an answer with invalid parameters.
func answer(take func(p *pairing, f *hcipacket.Fields) (then func(), status hcipacket.Status)) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		address := f.Address()
		returns := hcipacket.Parameters{}.Address(address)
		conn := c.connectionTo(address)
		if conn == nil {
			return reply{status: hcipacket.UnknownConnection, returns: returns}
		}
		then, status := take(&conn.pairing, f)
		return reply{status: status, returns: returns, then: then}
	}
}

// take removes the oldest pending question and returns a function that passes
// the answer to it.
func take[A any](questions *[]question[A], answer A) (then func(), status hcipacket.Status) {
	if len(*questions) == 0 {
		return nil, hcipacket.CommandDisallowed
	}
	oldest := (*questions)[0]
	*questions = (*questions)[1:]
	return func() {
		if !oldest.of.ended {
			oldest.on(answer)
		}
	}, hcipacket.Success
}

func (p *pairing) onLinkKeyRequestReply(f *hcipacket.Fields) (func(), hcipacket.Status) {
	key := f.Key()
	return take(&p.keys, &key)
}

func (p *pairing) onLinkKeyRequestNegativeReply(*hcipacket.Fields) (func(), hcipacket.Status) {
	return take(&p.keys, nil)
}

func (p *pairing) onPINCodeRequestReply(f *hcipacket.Fields) (func(), hcipacket.Status) {
	const maxPIN = 16
	n, pin := int(f.Uint8()), f.Bytes(maxPIN)
	if n == 0 || n > maxPIN {
		return nil, hcipacket.InvalidParameters
	}
	return take(&p.pins, slices.Clone(pin[:n]))
}

func (p *pairing) onPINCodeRequestNegativeReply(*hcipacket.Fields) (func(), hcipacket.Status) {
	return take(&p.pins, nil)
}

func (p *pairing) onIOCapabilityRequestReply(f *hcipacket.Fields) (func(), hcipacket.Status) {
	io := ioCapability(f.Bytes(3))
	if !io.valid() {
		return nil, hcipacket.InvalidParameters
	}
	return take(&p.io, capability{io: io})
}

func (p *pairing) onIOCapabilityRequestNegativeReply(f *hcipacket.Fields) (func(), hcipacket.Status) {
	reason := hcipacket.Status(f.Uint8())
	if reason == hcipacket.Success {
		reason = hcipacket.PairingNotAllowed // a negative reply is a refusal for any reason
	}
	return take(&p.io, capability{refusal: reason})
}

func (p *pairing) onUserConfirmationRequestReply(*hcipacket.Fields) (func(), hcipacket.Status) {
	return take(&p.confirmations, true)
}

func (p *pairing) onUserConfirmationRequestNegativeReply(*hcipacket.Fields) (func(), hcipacket.Status) {
	return take(&p.confirmations, false)
}

func (p *pairing) onUserPasskeyRequestReply(f *hcipacket.Fields) (func(), hcipacket.Status) {
	passkey := f.Uint32()
	if passkey > maxPasskey {
		return nil, hcipacket.InvalidParameters
	}
	return take(&p.passkeys, agreement{&passkey})
}

func (p *pairing) onUserPasskeyRequestNegativeReply(*hcipacket.Fields) (func(), hcipacket.Status) {
	return take(&p.passkeys, agreement{})
}

// onSendKeypressNotification reports a key that the user has pressed to enter a
// passkey (LMP_KEYPRESS_NOTIFICATION).
func (c *Controller) onSendKeypressNotification(f *hcipacket.Fields) reply {
	const entryCompleted = 4 // the highest Notification_Type
	address, kind := f.Address(), f.Uint8()
	returns := hcipacket.Parameters{}.Address(address)
	conn := c.connectionTo(address)
	switch {
	case conn == nil:
		return reply{status: hcipacket.UnknownConnection, returns: returns}
	case kind > entryCompleted:
		return reply{status: hcipacket.InvalidParameters, returns: returns}
	case len(conn.pairing.passkeys) == 0:
		return reply{status: hcipacket.CommandDisallowed, returns: returns}
	}
	entering := conn.pairing.passkeys[0].of
	return reply{returns: returns, then: func() {
		entering.send(func(other *procedure) {
			other.event(hcipacket.KeypressNotification, hcipacket.Parameters{}.Address(other.peer()).Uint8(kind))
		})
	}}
}

// ask sends an event that asks the host a question. A host that masks the event
// answers with none (sections 7.7.22 and 7.7.23).
func ask[A any](p *procedure, questions *[]question[A], event hcipacket.EventCode, rest hcipacket.Parameters, none A, on func(A)) {
	if p.masked(event) {
		on(none)
		return
	}
	p.wait()
	*questions = append(*questions, question[A]{p, on})
	p.event(event, append(hcipacket.Parameters{}.Address(p.peer()), rest...))
}

func (p *procedure) askKey(on func(key *[16]byte)) {
	ask(p, &p.pairing.keys, hcipacket.LinkKeyRequest, nil, nil, func(key *[16]byte) { on(p.presented(key)) })
}

func (p *procedure) askPIN(on func(pin []byte)) {
	ask(p, &p.pairing.pins, hcipacket.PINCodeRequest, nil, nil, on)
}

func (p *procedure) askConfirmation(number uint32, on func(confirmed bool)) {
	ask(p, &p.pairing.confirmations, hcipacket.UserConfirmationRequest, hcipacket.Parameters{}.Uint32(number), false, on)
}

func (p *procedure) askPasskey(on func(agreement)) {
	ask(p, &p.pairing.passkeys, hcipacket.UserPasskeyRequest, nil, agreement{}, on)
}

// askIO asks for the IO capability. If the host's own procedure has asked
// already, it takes over the question or the answer, so that the host gets one
// HCI_Simple_Pairing_Complete for each question.
func (p *procedure) askIO(on func(own capability)) {
	p.simple = true
	keep := func(own capability) {
		p.io = &own
		on(own)
	}
	if former := p.former; former != nil && former.simple {
		former.simple = false
		if former.io != nil {
			keep(*former.io)
			return
		}
		for i := range p.pairing.io {
			if p.pairing.io[i].of == former {
				p.pairing.io[i] = question[capability]{p, keep}
				return
			}
		}
	}
	ask(p, &p.pairing.io, hcipacket.IOCapabilityRequest, nil, capability{refusal: hcipacket.PairingNotAllowed}, keep)
}

// withdraw removes the pending questions of a procedure that has ended. The
// host's answers are then rejected.
func (p *pairing) withdraw(ended *procedure) {
	withdraw(&p.keys, ended)
	withdraw(&p.pins, ended)
	withdraw(&p.io, ended)
	withdraw(&p.confirmations, ended)
	withdraw(&p.passkeys, ended)
}

func withdraw[A any](questions *[]question[A], ended *procedure) {
	*questions = slices.DeleteFunc(*questions, func(q question[A]) bool { return q.of == ended })
}
