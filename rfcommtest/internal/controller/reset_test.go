package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A reset ends an inquiry and a name request: new ones are accepted.
func TestResetEndsPendingRequests(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		ask := hcipacket.Parameters{}.Address(absent).Uint8(1, 0).Uint16(0)
		for range 2 {
			a.begin(controller.Inquiry, inquiry(generalInquiry, 2, 0))
			a.begin(controller.RemoteNameRequest, ask)
			a.begin(controller.CreateConnection, connectTo(absent))
			a.do(controller.Reset, nil)
		}
		a.expectNothing()
	})
}

// A reset ends the controller's own inquiry, and no other.
func TestResetKeepsInquiriesOfOthers(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		c.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		b.begin(controller.Inquiry, inquiry(generalInquiry, 8, 1))
		a.do(controller.Reset, nil) // A is not discoverable any more
		time.Sleep(2 * time.Second)
		b.expectNothing()
		c.do(controller.WriteScanEnable, hcipacket.Parameters{1})
		time.Sleep(time.Second)
		if f := b.event(hcipacket.InquiryResult); f.Uint8() != 1 || f.Address() != addressOfC {
			t.Error("found another device than C")
		}
		b.event(hcipacket.InquiryComplete)
	})
}

// The defaults are those of section 6. Hosts read some of them before they
// write.
func TestResetRestoresTheDefaults(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		a.do(controller.Reset, nil)
		for opcode, want := range map[hcipacket.Opcode][2]uint16{
			controller.ReadConnectionAcceptTimeout: {0x1f40},
			controller.ReadPageTimeout:             {0x2000},
			controller.ReadPageScanActivity:        {0x0800, 0x0012},
			controller.ReadInquiryScanActivity:     {0x1000, 0x0012},
		} {
			f := a.do(opcode, nil)
			if first, second := f.Uint16(), f.Uint16(); first != want[0] || second != want[1] {
				t.Errorf("%v: %#x %#x, want %#x", opcode, first, second, want)
			}
		}
	})
}
