package rfcomm

import (
	"fmt"

	"github.com/go-rfcomm/rfcomm/internal/hci"
)

// Security is how a link between two devices is protected: a level of the
// kernel's option BT_SECURITY (include/net/bluetooth/bluetooth.h).
type Security uint8

const (
	// SecurityDefault leaves the choice to the kernel, which takes low.
	SecurityDefault Security = iota
	// SecurityLow asks for nothing, though devices with Secure Simple Pairing
	// may encrypt all the same.
	SecurityLow
	// SecurityMedium asks for an encrypted link between paired devices.
	SecurityMedium
	// SecurityHigh asks for an encrypted link between devices whose pairing
	// was protected against a man in the middle, as by comparing numbers.
	SecurityHigh
)

// String returns "default", "low", "medium" or "high".
func (s Security) String() string {
	switch s {
	case SecurityDefault:
		return "default"
	case SecurityLow:
		return "low"
	case SecurityMedium:
		return "medium"
	case SecurityHigh:
		return "high"
	}
	return fmt.Sprintf("Security(%d)", uint8(s))
}

// check refuses values that are no level.
func (s Security) check() error {
	if s > SecurityHigh {
		return fmt.Errorf("no such security level: %v; the levels are SecurityDefault, SecurityLow, SecurityMedium and SecurityHigh", s)
	}
	return nil
}

// protected reports whether s asks for an encrypted link.
func (s Security) protected() bool { return s >= SecurityMedium }

// securityOf translates the kernel's flags of a link.
func securityOf(mode hci.Mode) Security {
	switch {
	case mode&hci.Encrypted == 0:
		return SecurityLow
	case mode&hci.FIPS == 0:
		return SecurityMedium
	default:
		return SecurityHigh
	}
}
