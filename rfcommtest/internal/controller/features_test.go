package controller

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// newController returns a controller without a host.
func newController(config Config) *Controller {
	config.Output = func([]byte) {}
	return New(radio.New(), 0, config)
}

// The feature bits of packet types are those of Volume 2, Part C, section 3.3.
func TestFeaturesOfPacketTypes(t *testing.T) {
	without := newController(Config{}).featurePage(0)
	for packets, want := range map[air.PacketTypes]featurePage{
		0:             {},
		air.BasicRate: {0: 0x03},
		air.EDR2:      {0: 0x03, 3: 0x02, 4: 0x80, 5: 0x01},
		air.EDR3:      {0: 0x03, 3: 0x06, 4: 0x80, 5: 0x01},
	} {
		got := newController(Config{PacketTypes: packets}).featurePage(0)
		for i := range got {
			if got[i]&^without[i] != want[i] {
				t.Errorf("%v: features % x, want % x besides % x", packets, got, want, without)
				break
			}
		}
	}
}

// These pages were assembled by hand from the bits of Volume 2, Part C, section
// 3.3. They are independent of the table of features.
func TestFeaturesOfVersions(t *testing.T) {
	for name, tt := range map[string]struct {
		config  Config
		page    featurePage
		maxPage uint8
		lacks   hcipacket.Opcode
	}{
		"2.0":                        {Config{Version: Version20}, featurePage{0: 0x0c, 3: 0x40}, 0, WriteSimplePairingMode},
		"4.1":                        {Config{Version: Version41}, featurePage{0: 0x0c, 3: 0x40, 6: 0x49, 7: 0x80}, 2, 0xffff},
		"4.1 without connections":    {Config{Version: Version41, Without: SecureConnections}, featurePage{0: 0x0c, 3: 0x40, 6: 0x49, 7: 0x80}, 1, WriteSecureConnectionsHost},
		"4.1 without pairing":        {Config{Version: Version41, Without: SimplePairing}, featurePage{0: 0x0c, 3: 0x40, 6: 0x41, 7: 0x80}, 1, ReadAuthPayloadTimeout},
		"2.1":                        {Config{Version: Version21}, featurePage{0: 0x0c, 3: 0x40, 6: 0x49, 7: 0x80}, 1, 0xffff},
		"2.1 without pairing":        {Config{Version: Version21, Without: SimplePairing}, featurePage{0: 0x0c, 3: 0x40, 6: 0x41, 7: 0x80}, 1, IOCapabilityRequestReply},
		"2.1 without responses":      {Config{Version: Version21, Without: ExtendedInquiryResponse}, featurePage{0: 0x0c, 3: 0x40, 6: 0x48, 7: 0x80}, 1, 0xffff},
		"2.1 without RSSI":           {Config{Version: Version21, Without: InquiryRSSI}, featurePage{0: 0x0c, 6: 0x48, 7: 0x80}, 1, WriteInquiryMode},
		"2.0 without RSSI":           {Config{Version: Version20, Without: InquiryRSSI}, featurePage{0: 0x0c}, 0, WriteExtendedInquiryResponse},
		"2.1 without any of the two": {Config{Version: Version21, Without: InquiryRSSI | SimplePairing}, featurePage{0: 0x0c, 6: 0x40, 7: 0x80}, 1, ReadSimplePairingMode},
	} {
		c := newController(tt.config)
		if got := c.featurePage(0); got != tt.page || c.maxPage() != tt.maxPage {
			t.Errorf("%s: features % x and %d more pages, want % x and %d", name, got, c.maxPage(), tt.page, tt.maxPage)
		}
		if got := c.featurePage(tt.maxPage + 1); got != (featurePage{}) {
			t.Errorf("%s: features of page %d: % x", name, tt.maxPage+1, got)
		}
		if _, ok := c.command(tt.lacks); ok {
			t.Errorf("%s: has %v", name, tt.lacks)
		}
		if _, ok := c.command(Inquiry); !ok {
			t.Errorf("%s: has no inquiries", name)
		}
	}
}

// Page 2 has the bits 8 and 9, page 1 bit 3.
func TestFeaturesOfSecureConnections(t *testing.T) {
	c := newController(Config{})
	if got := c.featurePage(2); got != (featurePage{1: 0x03}) {
		t.Errorf("page 2: % x", got)
	}
	c.settings.secureConnections = 1
	if got := c.featurePage(1); got != (featurePage{}) {
		t.Errorf("page 1 without simple pairing: % x", got)
	}
	c.settings.simplePairing = 1
	if got := c.featurePage(1); got != (featurePage{0: 0x09}) {
		t.Errorf("page 1: % x", got)
	}
}

// The events from 0x40 on have a mask of their own, by default without any.
func TestSetEventMaskPage2(t *testing.T) {
	const first, last = 0x40, 0x59
	c := newController(Config{Version: Version41})
	masked := func() [2]bool { return [2]bool{c.masked(first), c.masked(last)} }
	if masked() != [2]bool{true, true} {
		t.Errorf("by default: masked %v", masked())
	}
	c.execute(hcipacket.Command{Opcode: SetEventMask, Parameters: []byte{255, 255, 255, 255, 255, 255, 255, 255}})
	c.execute(hcipacket.Command{Opcode: SetEventMaskPage2, Parameters: []byte{3: 1 << 1, 7: 0}})
	if masked() != [2]bool{true, false} {
		t.Errorf("with the last event: masked %v", masked())
	}
}
