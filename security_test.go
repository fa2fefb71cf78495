package rfcomm

import (
	"strings"
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

func TestHighNeedsACheckedLink(t *testing.T) {
	const encrypted = hci.Encrypted
	for name, tt := range map[string]struct {
		link             hci.Link
		existed, vouched bool
		want             bool
	}{
		"opened by this dial":      {hci.Link{Mode: encrypted, Outgoing: true}, false, false, true},
		"opened by the device":     {hci.Link{Mode: encrypted}, false, false, false},
		"open before":              {hci.Link{Mode: encrypted, Outgoing: true}, true, false, false},
		"open before, P-256":       {hci.Link{Mode: encrypted | hci.FIPS, Outgoing: true}, true, false, true},
		"open before, checked":     {hci.Link{Mode: encrypted, Outgoing: true}, true, true, true},
		"by the device, checked":   {hci.Link{Mode: encrypted}, true, true, true},
		"opened by device, P-256":  {hci.Link{Mode: encrypted | hci.FIPS}, false, false, true},
		"open before, by a device": {hci.Link{Mode: encrypted}, true, false, false},
	} {
		if got := high(tt.link, tt.existed, tt.vouched); got != tt.want {
			t.Errorf("%s: high is %v", name, got)
		}
	}
}

func TestLinkCheckNotHighNamesTheReason(t *testing.T) {
	for _, tt := range []struct {
		existed, retried bool
		want             string
	}{
		{true, false, "the link was open, or being opened, before the dial"},
		{true, true, "the link was open after a failed attempt of this dial"},
		{false, false, "the link was opened by the device during the dial"},
		{false, true, "the link was opened by the device during the dial"},
	} {
		check := linkCheck{retried: tt.retried}
		if got := check.notHigh(tt.existed); !strings.Contains(got, tt.want) || !strings.Contains(got, "close the other connections") {
			t.Errorf("the reason is %q", got)
		}
	}
}
