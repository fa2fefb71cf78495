package rfcommtest

import (
	"errors"
	"fmt"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
)

// An Association is an association model of Secure Simple Pairing: how the users
// of two devices confirm that these pair with each other and not with a third
// device (Core Specification, Volume 1, Part A, section 5.2.4).
//
// The model determines the link key, and the key determines the highest
// [rfcomm.Security] for which the kernel accepts a link. The key types are those
// of HCI_Link_Key_Notification (Volume 4, Part E, section 7.7.24). The second
// one is that of adapters with Secure Connections: see
// [Controller.SetSecureConnections].
//
//	association        key type      highest level
//	JustWorks          0x04 or 0x07  SecurityMedium
//	NumericComparison  0x05 or 0x08  SecurityHigh
//	PasskeyEntry       0x05 or 0x08  SecurityHigh
//	PIN                0x00          SecurityMedium; SecurityHigh with a PIN of 16 bytes
//
// Adapters pair with a PIN if simple pairing is off at one of them: see
// [Controller.SetPIN]. Linux 6.15 to 7.3 or later accept the key of any PIN at
// SecurityHigh once a link has been encrypted with it (hci_conn_key_enc_size).
type Association uint8

// The association models.
const (
	// JustWorks pairs without the users. The adapters have neither a display
	// nor a keyboard.
	JustWorks Association = Association(adapter.JustWorks)
	// NumericComparison pairs adapters that show the same six digits, which
	// both users confirm.
	NumericComparison Association = Association(adapter.NumericComparison)
	// PasskeyEntry pairs adapters one of which shows six digits, which the user
	// of the other enters. The first controller in the call of [Radio.Link]
	// shows them.
	PasskeyEntry Association = Association(adapter.PasskeyEntry)
)

// String returns the name of the model in the specification.
func (a Association) String() string {
	switch a {
	case JustWorks:
		return "just works"
	case NumericComparison:
		return "numeric comparison"
	case PasskeyEntry:
		return "passkey entry"
	}
	return fmt.Sprintf("Association(%d)", uint8(a))
}

// Pair bonds the two adapters without user interaction, so that sockets can
// request encryption. It is PairWith(JustWorks), except that the adapters pair
// by the PINs of [Controller.SetPIN], which must be the same, if
// [Controller.SetSimplePairing] has switched simple pairing off at one of them,
// or if one does not support it. The kernel then encrypts a link only if a socket
// requests that.
func (l *Link) Pair() error {
	how := adapter.JustWorks
	return l.withAdapters("pair", func(agent *adapter.Agent) error {
		if l.pairsSimply() != nil {
			how = adapter.LegacyPIN
		}
		return l.pair(agent, how)
	})
}

// PairWith bonds the two adapters by an association model. The radio acts as
// the users: it confirms the numbers, and enters the passkey. If one or both of
// the adapters still have a bond with the other, PairWith first removes it, which
// also ends their ACL link.
//
// The adapters use Secure Simple Pairing from then on, with which the kernel
// encrypts every ACL link between the two. PairWith returns an error if
// [Controller.SetSimplePairing] has switched it off at one of them, or if one
// does not support it.
//
// A controller loses its bonds when it is unplugged. Until then, an adapter
// that was paired once needs an agent for further pairings. The radio acts as
// the agent, but only for its own adapters.
//
// PairWith makes both adapters answer pages until it returns. Unplug, Plug, Up,
// Down and the settings of the two controllers wait for that. PairWith returns
// an error if a controller is unplugged or its adapter is down. It panics if how
// is none of the constants. It requires CAP_NET_ADMIN.
func (l *Link) PairWith(how Association) error {
	if how > PasskeyEntry {
		panic("rfcommtest: PairWith: no such model: " + how.String())
	}
	return l.withAdapters("pair", func(agent *adapter.Agent) error {
		if err := l.pairsSimply(); err != nil {
			return err
		}
		return l.pair(agent, adapter.Association(how))
	})
}

// pairsSimply returns an error that names the first controller without Secure
// Simple Pairing, or nil if both have it. The locks of the controllers are held.
func (l *Link) pairsSimply() error {
	for _, c := range l.controllers {
		if !c.pairsSimply() {
			return fmt.Errorf("%s has no Secure Simple Pairing, or SetSimplePairing has switched it off", c.Addr())
		}
	}
	return nil
}

// pair bonds the two adapters. The locks of the controllers are held.
func (l *Link) pair(agent *adapter.Agent, how adapter.Association) error {
	a, b := l.controllers[0], l.controllers[1]
	if how != adapter.LegacyPIN {
		if err := errors.Join(a.switchSimplePairing(agent, true), b.switchSimplePairing(agent, true)); err != nil {
			return err
		}
	}
	err := agent.Pair(a.adapter(), b.adapter(), how)
	return errors.Join(err, a.restoreScan(), b.restoreScan())
}
