package rfcomm

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/hci"
)

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
