package rfcomm

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/hci"
)

func TestSecurityString(t *testing.T) {
	for s, want := range map[Security]string{
		SecurityDefault: "default",
		SecurityLow:     "low",
		SecurityMedium:  "medium",
		SecurityHigh:    "high",
		4:               "Security(4)",
		255:             "Security(255)",
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSecurityOf(t *testing.T) {
	const authenticated hci.Mode = 0x0002 // HCI_LM_AUTH
	for mode, want := range map[hci.Mode]Security{
		0:                                        SecurityLow,
		authenticated:                            SecurityLow,
		hci.FIPS:                                 SecurityLow,
		hci.Encrypted:                            SecurityMedium,
		authenticated | hci.Encrypted:            SecurityMedium,
		hci.Encrypted | hci.FIPS:                 SecurityHigh,
		authenticated | hci.Encrypted | hci.FIPS: SecurityHigh,
		authenticated | hci.Encrypted | hci.FIPS<<1: SecurityMedium,
	} {
		if got := securityOf(mode); got != want {
			t.Errorf("mode %#x is %v, want %v", mode, got, want)
		}
	}
}
