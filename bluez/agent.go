package bluez

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// An Agent answers the questions of a pairing, usually by asking a person. An
// error refuses the request. The methods are called one at a time.
//
// The context of a method ends when the answer is no longer needed: because
// bluetoothd withdrew the question (Agent1.Cancel, also 60 s after the question
// was sent), because bluetoothd ended, or because the pairing, the registration
// or the Client ended. The method must then return.
//
// The answers of a remote device are those of an unknown device until the
// pairing is complete. Print its name with %q.
type Agent interface {
	// RequestPINCode returns the PIN of a pairing with a device without Secure
	// Simple Pairing: 1 to 16 bytes, digits on most devices.
	RequestPINCode(ctx context.Context, d *Device) (string, error)

	// DisplayPINCode shows a PIN, which the user enters on the device, such as
	// a keyboard. The pairing continues when the method has returned.
	DisplayPINCode(ctx context.Context, d *Device, pin string) error

	// RequestPasskey returns the number that the device shows: 0 to 999999.
	RequestPasskey(ctx context.Context, d *Device) (uint32, error)

	// DisplayPasskey shows a number of six digits, with leading zeros, which
	// the user enters on the device. It may be called again as digits are
	// entered. It must not wait for the user.
	DisplayPasskey(ctx context.Context, d *Device, passkey uint32, entered uint16) error

	// ConfirmPasskey returns nil if the device shows the same number, of six
	// digits with leading zeros.
	ConfirmPasskey(ctx context.Context, d *Device, passkey uint32) error

	// AuthorizePairing returns nil if the device may pair without a number or
	// a PIN ("just works"). Only pairings that the device begins are asked
	// about.
	AuthorizePairing(ctx context.Context, d *Device) error

	// AuthorizeService returns nil if the device may connect to a service of a
	// profile that is registered with bluetoothd. bluetoothd does not ask about
	// trusted devices, nor about listeners of package rfcomm.
	AuthorizeService(ctx context.Context, d *Device, service sdp.UUID) error
}

// A Capability describes the means of an agent to show and enter numbers. It
// determines, together with that of the other device, how the two pair. This is
// the question to the agent if the other device has DisplayYesNo, as phones do
// (Core Specification, Volume 3, Part C, table 5.7):
//
//	capability       question         highest security of the key
//	DisplayOnly      ConfirmPasskey   SecurityMedium
//	DisplayYesNo     ConfirmPasskey   SecurityHigh
//	KeyboardOnly     RequestPasskey   SecurityHigh
//	KeyboardDisplay  ConfirmPasskey   SecurityHigh
//	NoInputNoOutput  none             SecurityMedium
//
// If the other device has NoInputNoOutput, there is no question in a pairing
// that this machine begins ("just works"), and the key suffices for
// SecurityMedium only: it does not protect against a third device in the middle.
// A device without Secure Simple Pairing asks for a PIN instead, whatever the
// capability is.
type Capability string

// The capabilities, as in the documentation of bluetoothd (org.bluez.AgentManager).
const (
	DisplayOnly     Capability = "DisplayOnly"
	DisplayYesNo    Capability = "DisplayYesNo"
	KeyboardOnly    Capability = "KeyboardOnly"
	NoInputNoOutput Capability = "NoInputNoOutput"
	KeyboardDisplay Capability = "KeyboardDisplay"
)

// capabilities are the valid capabilities. bluetoothd also knows the empty one,
// but the choice is the caller's.
var capabilities = []Capability{DisplayOnly, DisplayYesNo, KeyboardOnly, NoInputNoOutput, KeyboardDisplay}

func (c Capability) check() error {
	if slices.Contains(capabilities, c) {
		return nil
	}
	return fmt.Errorf("bluez: invalid capability %q; the capabilities are %q", string(c), capabilities)
}

// errRefused is the error of the methods of RejectAll.
var errRefused = errors.New("this agent does not answer such requests")

// RejectAll is an Agent that refuses all requests. A type that embeds it has to
// implement only the methods that it answers.
type RejectAll struct{}

func (RejectAll) RequestPINCode(context.Context, *Device) (string, error) { return "", errRefused }

func (RejectAll) DisplayPINCode(context.Context, *Device, string) error { return errRefused }

func (RejectAll) RequestPasskey(context.Context, *Device) (uint32, error) { return 0, errRefused }

func (RejectAll) DisplayPasskey(context.Context, *Device, uint32, uint16) error { return errRefused }

func (RejectAll) ConfirmPasskey(context.Context, *Device, uint32) error { return errRefused }

func (RejectAll) AuthorizePairing(context.Context, *Device) error { return errRefused }

func (RejectAll) AuthorizeService(context.Context, *Device, sdp.UUID) error { return errRefused }

var _ Agent = RejectAll{}
