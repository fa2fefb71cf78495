package bluez

import "context"

// FixedPIN returns an Agent that answers each request for a PIN with the same
// one, such as "1234" for an HC-05 module or "0000", and refuses all other
// requests. A device without Secure Simple Pairing asks for a PIN, whatever the
// capability is.
func FixedPIN(pin string) Agent { return fixedPIN{pin: pin} }

type fixedPIN struct {
	RejectAll
	pin string
}

func (a fixedPIN) RequestPINCode(context.Context, *Device) (string, error) { return a.pin, nil }

// Confirm returns an Agent that passes the numbers to confirm to a function, and
// refuses all other requests. The function returns nil if the device shows the
// number too, of six digits with leading zeros.
func Confirm(confirm func(ctx context.Context, d *Device, passkey uint32) error) Agent {
	return confirming{confirm: confirm}
}

type confirming struct {
	RejectAll
	confirm func(context.Context, *Device, uint32) error
}

func (a confirming) ConfirmPasskey(ctx context.Context, d *Device, passkey uint32) error {
	return a.confirm(ctx, d, passkey)
}

// AcceptPairing is an Agent that accepts each pairing that a device begins
// without a number or a PIN ("just works"), and refuses all other requests.
//
// A phone can pair that way only if the capability is [NoInputNoOutput]. The
// kernel then accepts without asking the agent. With any other capability, the
// agent is asked, and a phone begins with a number to compare instead.
type AcceptPairing struct{ RejectAll }

// AuthorizePairing accepts.
func (AcceptPairing) AuthorizePairing(context.Context, *Device) error { return nil }
