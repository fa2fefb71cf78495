package controller_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// except returns an event mask without some events.
func except(codes ...hcipacket.EventCode) hcipacket.Parameters {
	mask := append(hcipacket.Parameters(nil), everyEvent...)
	for _, code := range codes {
		bit := int(code) - 1
		mask[bit/8] &^= 1 << (bit % 8)
	}
	return mask
}

func TestSetEventMaskHidesEvents(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		handle := hcipacket.Parameters{}.Handle(ofA)
		a.do(controller.SetEventMask, except(hcipacket.ReadClockOffsetComplete, hcipacket.CommandStatus, hcipacket.CommandComplete, hcipacket.NumberOfCompletedPackets))
		a.begin(controller.ReadClockOffset, handle)
		a.begin(controller.ReadRemoteSupportedFeatures, handle)
		a.event(hcipacket.ReadRemoteSupportedFeaturesComplete)
		a.input(hcipacket.ACL{Handle: ofA, Boundary: hcipacket.FirstFlushable, Data: []byte("data")}.Append(nil))
		a.event(hcipacket.NumberOfCompletedPackets)
		b.data()

		a.do(controller.SetEventMask, everyEvent)
		a.begin(controller.ReadClockOffset, handle)
		a.event(hcipacket.ReadClockOffsetComplete)

		b.do(controller.SetEventMask, except(hcipacket.DisconnectionComplete))
		a.begin(controller.Disconnect, handle.Uint8(0x13))
		b.expectNothing()
		if status := b.status(controller.ReadClockOffset, hcipacket.Parameters{}.Handle(ofB)); status != hcipacket.UnknownConnection {
			t.Errorf("the hidden end of a connection: %v", status)
		}
	})
}

// After a reset a controller does not send the events of later versions than
// 1.1, such as those with extended inquiry results (section 7.3.1).
func TestSetEventMaskDefault(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		respondEvenly(a)
		c.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		b.do(controller.WriteExtendedInquiryResponse, hcipacket.Parameters{0}.Text("\x02\x0a\x04", 240))
		a.do(controller.Reset, nil)
		a.do(controller.WriteInquiryMode, hcipacket.Parameters{2})
		a.begin(controller.Inquiry, inquiry(generalInquiry, 1, 0))
		a.after(1280*time.Millisecond, hcipacket.InquiryComplete)
		a.do(controller.SetEventMask, except(hcipacket.InquiryComplete))
		a.begin(controller.Inquiry, inquiry(generalInquiry, 1, 1))
		time.Sleep(time.Minute)
		if got := a.result(); got.format != hcipacket.ExtendedInquiryResult {
			t.Errorf("got %+v", got)
		}
		a.expectNothing()
	})
}

// A host that is not asked counts as one without a key, a PIN, or the will to
// accept a connection (sections 7.7.23, 7.7.22 and 7.7.4).
func TestSetEventMaskHidesQuestions(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, _ := connect(a, b)
		b.do(controller.SetEventMask, except(hcipacket.LinkKeyRequest, hcipacket.PINCodeRequest, hcipacket.ConnectionRequest))
		a.begin(controller.AuthenticationRequested, hcipacket.Parameters{}.Handle(ofA))
		a.event(hcipacket.LinkKeyRequest)
		a.do(controller.LinkKeyRequestReply, append(hcipacket.Parameters{}.Address(addressOfB), make([]byte, 16)...))
		if status := hcipacket.Status(a.event(hcipacket.AuthenticationComplete).Uint8()); status != hcipacket.KeyMissing {
			t.Errorf("with a key: %v", status)
		}
		a.useKeyStore(&keyStore{pin: "0000"})
		if status := a.authenticate(ofA); status != hcipacket.PairingNotAllowed {
			t.Errorf("by PIN: %v", status)
		}
		a.begin(controller.Disconnect, hcipacket.Parameters{}.Handle(ofA).Uint8(0x13))
		a.disconnected(ofA, hcipacket.TerminatedByLocalHost)
		b.event(hcipacket.DisconnectionComplete)
		a.begin(controller.CreateConnection, connectTo(addressOfB))
		a.connected(addressOfB, hcipacket.LimitedResources)
		b.expectNothing()
	})
}
