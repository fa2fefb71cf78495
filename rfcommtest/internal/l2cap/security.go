package l2cap

import (
	"context"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// security is the state of a link's authentication and encryption.
type security struct {
	busy      bool // a call of secure is at work
	features  *[8]byte
	answered  *hcipacket.Status // the result of the last request, if it has one
	encrypted bool
	keys      int  // the number of link keys made
	demand    byte // the peer's Authentication_Requirements, or 0
}

// secure encrypts a link if both hosts have enabled Secure Simple Pairing. All
// services except SDP then require encryption (Volume 3, Part C, section
// 5.2.2.8).
func (l *link) secure(ctx context.Context) error {
	s := &l.security
	if err := l.wait(ctx, func() bool { return !s.busy }); err != nil {
		return err
	}
	s.busy = true
	defer func() { s.busy = false; l.host.changed.Broadcast() }()
	if s.encrypted || !l.host.simple {
		return nil
	}
	simple, err := l.pairsSimply(ctx)
	if err != nil || !simple {
		return err
	}
	if err := l.authenticate(ctx); err != nil || s.encrypted {
		return err
	}
	const on = 1
	status, err := l.ask(ctx, controller.SetConnectionEncryption, hcipacket.Parameters{}.Handle(l.handle).Uint8(on))
	switch {
	case err != nil:
		return err
	case collided(status):
		return l.wait(ctx, func() bool { return s.encrypted })
	case status != hcipacket.Success:
		return securityError(status)
	}
	return nil
}

// collided reports whether a request has failed because the other end has begun
// the same or another one at the same time, which continues.
func collided(status hcipacket.Status) bool {
	return status == hcipacket.TransactionCollision || status == hcipacket.DifferentCollision
}

// pairsSimply reports whether the peer's host has enabled Secure Simple Pairing
// (Volume 2, Part C, section 3.2, bit 64).
func (l *link) pairsSimply(ctx context.Context) (bool, error) {
	const page = 1
	if l.security.features == nil {
		l.host.start(controller.ReadRemoteExtendedFeatures, hcipacket.Parameters{}.Handle(l.handle).Uint8(page),
			func(status hcipacket.Status) { l.onFeatures(status, nil) })
		if err := l.wait(ctx, func() bool { return l.security.features != nil }); err != nil {
			return false, err
		}
	}
	return l.security.features[0]&1 != 0, nil
}

// authenticate checks that both ends have the same key, or makes one. A key
// that the peer has lost is made again. If the other end authenticates at the
// same time, authenticate waits until that has made a key or has encrypted the
// link.
func (l *link) authenticate(ctx context.Context) error {
	s := &l.security
	for attempt := 1; !s.encrypted; attempt++ {
		before := s.keys
		status, err := l.ask(ctx, controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(l.handle))
		switch {
		case err != nil:
			return err
		case status == hcipacket.Success:
			return nil
		case collided(status):
			if err := l.wait(ctx, func() bool { return s.encrypted || s.keys != before }); err != nil {
				return err
			}
		case status == hcipacket.KeyMissing && attempt == 1:
			delete(l.host.keys, l.peer)
		default:
			return securityError(status)
		}
	}
	return nil
}

// ask sends a command and returns the status of the event that is its
// result.
func (l *link) ask(ctx context.Context, opcode hcipacket.Opcode, p hcipacket.Parameters) (hcipacket.Status, error) {
	s := &l.security
	s.answered = nil
	l.host.start(opcode, p, func(status hcipacket.Status) { s.answered = &status })
	err := l.wait(ctx, func() bool { return s.answered != nil })
	if err != nil {
		return 0, err
	}
	return *s.answered, nil
}

// wait waits until done returns true, ctx is done, or the link has ended.
func (l *link) wait(ctx context.Context, done func() bool) error {
	err := l.host.waitContext(ctx, func() bool { return l.err != nil || done() })
	if err == nil {
		err = l.err
	}
	return err
}

// onFeatures handles a page of the peer's features. Devices without such pages
// have none of them.
func (l *link) onFeatures(status hcipacket.Status, f *hcipacket.Fields) {
	l.security.features = new([8]byte)
	if status == hcipacket.Success {
		f.Bytes(2)
		*l.security.features = [8]byte(f.Bytes(8))
	}
}

func (l *link) onAuthentication(status hcipacket.Status, _ *hcipacket.Fields) {
	l.security.answered = &status
}

// onEncryption handles a change of encryption, which either end can have
// requested. The other end may send data only after this host has read the key
// size.
func (l *link) onEncryption(status hcipacket.Status, f *hcipacket.Fields) {
	l.security.answered = &status
	if status == hcipacket.Success {
		l.security.encrypted = f.Uint8() != 0
		l.host.command(controller.ReadEncryptionKeySize, hcipacket.Parameters{}.Handle(l.handle))
	}
}

func (h *Host) onLinkKeyRequest(f *hcipacket.Fields) {
	peer := f.Address()
	p := hcipacket.Parameters{}.Address(peer)
	if key, ok := h.keys[peer]; ok {
		h.command(controller.LinkKeyRequestReply, append(p, key[:]...))
		return
	}
	h.command(controller.LinkKeyRequestNegativeReply, p)
}

func (h *Host) onLinkKeyNotification(f *hcipacket.Fields) {
	peer, key := f.Address(), f.Key()
	h.keys[peer] = key
	if l := h.links[peer]; l != nil {
		l.security.keys++
	}
}

func (h *Host) onPINCodeRequest(f *hcipacket.Fields) {
	pin := h.settings.PIN
	h.command(controller.PINCodeRequestReply, hcipacket.Parameters{}.Address(f.Address()).Uint8(uint8(len(pin))).Text(pin, 16))
}

// onIOCapabilityRequest answers that the device has no input and no output, so
// that the pairing just works. It wants the bond that the peer wants, if any.
func (h *Host) onIOCapabilityRequest(f *hcipacket.Fields) {
	const noInputNoOutput, noOOB, mitmProtection = 3, 0, 1
	peer, demand := f.Address(), byte(0)
	if l := h.links[peer]; l != nil {
		demand = l.security.demand &^ mitmProtection
	}
	h.command(controller.IOCapabilityRequestReply, hcipacket.Parameters{}.Address(peer).Uint8(noInputNoOutput, noOOB, demand))
}

func (h *Host) onIOCapabilityResponse(f *hcipacket.Fields) {
	peer := f.Address()
	if l := h.links[peer]; l != nil {
		l.security.demand = f.Bytes(3)[2]
	}
}

func (h *Host) onUserConfirmationRequest(f *hcipacket.Fields) {
	h.command(controller.UserConfirmationRequestReply, hcipacket.Parameters{}.Address(f.Address()))
}
