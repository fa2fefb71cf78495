package l2cap

import (
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// receive handles a packet of the controller.
func (h *Host) receive(packet []byte) {
	if data, err := hcipacket.ParseACL(packet); err == nil {
		if l := h.byHandle(data.Handle); l != nil {
			l.receive(data)
		}
		return
	}
	event, err := hcipacket.ParseEvent(packet)
	if err != nil {
		return
	}
	f := hcipacket.FieldsOf(event.Parameters)
	if handle := events[event.Code]; handle != nil {
		handle(h, f)
	}
}

// events holds the handlers of the events that concern the host. The comment of
// each event code in package hcipacket names its section.
var events = map[hcipacket.EventCode]func(h *Host, f *hcipacket.Fields){
	hcipacket.CommandStatus:            (*Host).onCommandStatus,
	hcipacket.CommandComplete:          (*Host).onCommandComplete,
	hcipacket.ConnectionRequest:        (*Host).onConnectionRequest,
	hcipacket.ConnectionComplete:       (*Host).onConnectionComplete,
	hcipacket.DisconnectionComplete:    (*Host).onDisconnectionComplete,
	hcipacket.NumberOfCompletedPackets: (*Host).onCompletedPackets,

	hcipacket.LinkKeyRequest:          (*Host).onLinkKeyRequest,
	hcipacket.LinkKeyNotification:     (*Host).onLinkKeyNotification,
	hcipacket.PINCodeRequest:          (*Host).onPINCodeRequest,
	hcipacket.IOCapabilityRequest:     (*Host).onIOCapabilityRequest,
	hcipacket.IOCapabilityResponse:    (*Host).onIOCapabilityResponse,
	hcipacket.UserConfirmationRequest: (*Host).onUserConfirmationRequest,

	hcipacket.ReadRemoteExtendedFeaturesComplete: onLink((*link).onFeatures),
	hcipacket.AuthenticationComplete:             onLink((*link).onAuthentication),
	hcipacket.EncryptionChange:                   onLink((*link).onEncryption),
}

// onLink makes the handler of an event whose first parameters are a status and
// the handle of a link.
func onLink(f func(l *link, status hcipacket.Status, rest *hcipacket.Fields)) func(*Host, *hcipacket.Fields) {
	return func(h *Host, fields *hcipacket.Fields) {
		status, handle := hcipacket.Status(fields.Uint8()), fields.Handle()
		if l := h.byHandle(handle); l != nil {
			f(l, status, fields)
		}
	}
}

func (h *Host) onCommandStatus(f *hcipacket.Fields) {
	status := hcipacket.Status(f.Uint8())
	f.Uint8()
	h.answered(hcipacket.Opcode(f.Uint16()), status)
}

func (h *Host) onCommandComplete(f *hcipacket.Fields) {
	f.Uint8()
	opcode := hcipacket.Opcode(f.Uint16())
	h.answered(opcode, hcipacket.Status(f.Uint8()))
}

// answered handles the answer to the oldest command of an opcode that start has
// sent.
func (h *Host) answered(opcode hcipacket.Opcode, status hcipacket.Status) {
	waiting := h.started[opcode]
	if len(waiting) == 0 {
		return
	}
	h.started[opcode] = waiting[1:]
	if status != hcipacket.Success {
		waiting[0](status)
	}
}

func (h *Host) onConnectionRequest(f *hcipacket.Fields) {
	const remainPeripheral = 1
	h.command(controller.AcceptConnectionRequest, hcipacket.Parameters{}.Address(f.Address()).Uint8(remainPeripheral))
}

func (h *Host) onConnectionComplete(f *hcipacket.Fields) {
	status, handle, peer := hcipacket.Status(f.Uint8()), f.Handle(), f.Address()
	if status == hcipacket.Success {
		h.connected(handle, peer)
	} else {
		h.pageEnded(peer, status)
	}
}

func (h *Host) onDisconnectionComplete(f *hcipacket.Fields) {
	status, handle, reason := hcipacket.Status(f.Uint8()), f.Handle(), hcipacket.Status(f.Uint8())
	if l := h.byHandle(handle); l != nil && status == hcipacket.Success {
		h.disconnected(l, reason)
	}
}

func (h *Host) onCompletedPackets(f *hcipacket.Fields) {
	for range f.Uint8() {
		handle, packets := f.Handle(), int(f.Uint16())
		if l := h.byHandle(handle); l != nil {
			l.completed(packets)
		}
	}
}
