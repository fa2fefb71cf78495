package controller_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

const (
	generalInquiry = 0x9e8b33
	limitedInquiry = 0x9e8b00
)

// responseTime is the time until each response to an inquiry in tests that call
// respondEvenly.
const responseTime = 100 * radio.SlotTime

// respondEvenly makes all devices respond to inquiries after responseTime.
func respondEvenly(h *host) { h.radio.Random = func(int) int { return 99 } }

func inquiry(code uint32, length, limit byte) hcipacket.Parameters {
	return hcipacket.Parameters{}.Uint24(code).Uint8(length, limit)
}

// A result is one device in an inquiry result.
type result struct {
	format   hcipacket.EventCode
	address  hcipacket.Address
	class    uint32
	rssi     int8
	response string
}

// result takes an inquiry result in any format.
func (h *host) result() result {
	h.Helper()
	next := h.next()
	event, ok := next.(hcipacket.Event)
	if !ok {
		h.Fatalf("%s received %+v, want an inquiry result", h.name, next)
	}
	f := hcipacket.FieldsOf(event.Parameters)
	r := result{format: event.Code}
	if n := f.Uint8(); n != 1 {
		h.Errorf("%s: %d results in one event", h.name, n)
	}
	r.address = f.Address()
	f.Bytes(2)
	if event.Code == hcipacket.InquiryResult {
		f.Uint8()
	}
	r.class = f.Uint24()
	f.Uint16()
	switch event.Code {
	case hcipacket.InquiryResultWithRSSI:
		r.rssi = int8(f.Uint8())
	case hcipacket.ExtendedInquiryResult:
		r.rssi = int8(f.Uint8())
		r.response = string(bytes.TrimRight(f.Bytes(controller.ResponseSize), "\x00"))
	case hcipacket.InquiryResult:
	default:
		h.Fatalf("%s received %+v, want an inquiry result", h.name, event)
	}
	complete := !f.Short()
	if f.Bytes(1); !complete || !f.Short() {
		h.Errorf("%s: result of a wrong length: % x", h.name, event.Parameters)
	}
	return r
}

// B responds until the inquiry ends. C is not discoverable.
func TestInquiryReportsEachResponse(t *testing.T) {
	const response = "\x08\x09printer"
	for mode, want := range []result{
		{hcipacket.InquiryResult, addressOfB, 0x5a020c, 0, ""},
		{hcipacket.InquiryResultWithRSSI, addressOfB, 0x5a020c, -70, ""},
		{hcipacket.ExtendedInquiryResult, addressOfB, 0x5a020c, -70, response},
	} {
		withHosts(t, func(t *testing.T, a, b, c *host) {
			respondEvenly(a)
			a.conditions(b).RSSI = -70
			b.do(controller.WriteClassOfDevice, hcipacket.Parameters{}.Uint24(0x5a020c))
			b.do(controller.WriteExtendedInquiryResponse, hcipacket.Parameters{0}.Text(response, 240))
			c.do(controller.WriteScanEnable, hcipacket.Parameters{2})
			a.do(controller.WriteInquiryMode, hcipacket.Parameters{byte(mode)})
			a.begin(controller.Inquiry, inquiry(generalInquiry, 2, 0))
			a.expectNothing()
			if status := a.status(controller.Inquiry, inquiry(generalInquiry, 2, 0)); status != hcipacket.CommandDisallowed {
				t.Errorf("a second inquiry: %v", status)
			}
			time.Sleep(2560*time.Millisecond - time.Millisecond)
			for range 2560 * time.Millisecond / responseTime {
				if got := a.result(); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
			a.after(time.Millisecond, hcipacket.InquiryComplete)
			time.Sleep(time.Minute)
			a.expectNothing()
		})
	}
}

// The number of responses that ends an inquiry is one of devices.
func TestInquiryEndsAtTheLimit(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		respondEvenly(a)
		a.begin(controller.Inquiry, inquiry(generalInquiry, 48, 1))
		time.Sleep(responseTime)
		a.result()
		a.event(hcipacket.InquiryComplete)

		c.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		a.begin(controller.Inquiry, inquiry(generalInquiry, 48, 2))
		for range 3 {
			time.Sleep(responseTime)
			if got := a.result(); got.address != addressOfB {
				t.Errorf("found %+v", got)
			}
		}
		b.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		c.do(controller.WriteScanEnable, hcipacket.Parameters{1})
		time.Sleep(responseTime)
		if got := a.result(); got.address != addressOfC {
			t.Errorf("found %+v", got)
		}
		a.event(hcipacket.InquiryComplete)
		time.Sleep(time.Minute)
		a.expectNothing()
	})
}

func TestInquiryEndsWithoutAnEvent(t *testing.T) {
	for _, end := range []hcipacket.Opcode{controller.InquiryCancel, controller.Reset} {
		withHosts(t, func(t *testing.T, a, b, _ *host) {
			a.begin(controller.Inquiry, inquiry(generalInquiry, 2, 0))
			a.do(end, nil)
			b.do(controller.WriteScanEnable, hcipacket.Parameters{0})
			b.do(controller.WriteScanEnable, hcipacket.Parameters{1})
			time.Sleep(time.Minute)
			a.expectNothing()
			if status, _ := a.complete(controller.InquiryCancel, nil); status != hcipacket.CommandDisallowed {
				t.Errorf("cancelling none: %v", status)
			}
			a.begin(controller.Inquiry, inquiry(generalInquiry, 1, 1))
			time.Sleep(1024 * radio.SlotTime)
			a.result()
			a.event(hcipacket.InquiryComplete)
		})
	}
}

func TestInquiryRejectsInvalidParameters(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, _ *host) {
		for _, p := range []hcipacket.Parameters{
			inquiry(generalInquiry, 0, 0),
			inquiry(generalInquiry, 49, 0),
			inquiry(0x9e8aff, 1, 0), // neighbors of the inquiry access codes
			inquiry(0x9e8b40, 1, 0),
		} {
			if status := a.status(controller.Inquiry, p); status != hcipacket.InvalidParameters {
				t.Errorf("% x: %v", p, status)
			}
		}
		if status, _ := a.complete(controller.WriteInquiryMode, hcipacket.Parameters{3}); status != hcipacket.InvalidParameters {
			t.Errorf("inquiry mode 3: %v", status)
		}
	})
}

// The inquiry is cancelled in the instant of its end.
func TestInquiryCancelAtTheEnd(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		for _, h := range []*host{b, c} {
			h.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		}
		a.begin(controller.Inquiry, inquiry(generalInquiry, 1, 0))
		a.locked(func() {
			time.Sleep(1280 * time.Millisecond) // the timer has expired and waits for the lock
			if err := a.controller.Input(hcipacket.Command{Opcode: controller.InquiryCancel}.Append(nil)); err != nil {
				t.Error(err)
			}
		})
		a.event(hcipacket.CommandComplete)
		a.expectNothing()
	})
}

func TestWriteInquiryModeWithoutTheFeature(t *testing.T) {
	adjust := func(_ int, config *controller.Config) { config.Version = controller.Version20 }
	withControllers(t, adjust, func(t *testing.T, a, _, _ *host) {
		a.do(controller.WriteInquiryMode, hcipacket.Parameters{1})
		if status, _ := a.complete(controller.WriteInquiryMode, hcipacket.Parameters{2}); status != hcipacket.InvalidParameters {
			t.Errorf("mode 2: %v", status)
		}
		if mode := a.do(controller.ReadInquiryMode, nil).Uint8(); mode != 1 {
			t.Errorf("the mode is %d", mode)
		}
	})
}

// A device that has no extended inquiry response, or cannot send it, is
// reported without one.
func TestInquiryOfDeviceWithoutResponse(t *testing.T) {
	withHosts(t, func(t *testing.T, a, _, c *host) {
		respondEvenly(a)
		c.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		a.do(controller.WriteInquiryMode, hcipacket.Parameters{2})
		a.begin(controller.Inquiry, inquiry(generalInquiry, 48, 1))
		time.Sleep(responseTime)
		if got := a.result(); got.format != hcipacket.InquiryResultWithRSSI {
			t.Errorf("got %+v", got)
		}
	})
}

func TestWriteCurrentIACLAP(t *testing.T) {
	codes := func(codes ...uint32) hcipacket.Parameters {
		p := hcipacket.Parameters{uint8(len(codes))}
		for _, code := range codes {
			p = p.Uint24(code)
		}
		return p
	}
	withHosts(t, func(t *testing.T, a, b, c *host) {
		respondEvenly(a)
		c.do(controller.WriteScanEnable, hcipacket.Parameters{0})
		if n := b.do(controller.ReadNumberOfSupportedIAC, nil).Uint8(); n != 2 {
			t.Errorf("%d access codes are supported, want 2", n)
		}
		for _, tt := range []struct {
			write, read hcipacket.Parameters
			finds       map[uint32]bool
		}{
			{nil, codes(generalInquiry), map[uint32]bool{generalInquiry: true}},
			{codes(limitedInquiry), codes(limitedInquiry), map[uint32]bool{limitedInquiry: true}},
			{codes(limitedInquiry, generalInquiry), codes(limitedInquiry, generalInquiry), map[uint32]bool{limitedInquiry: true, generalInquiry: true}},
			{codes(0x9e8b3f, limitedInquiry, generalInquiry), codes(0x9e8b3f, limitedInquiry), map[uint32]bool{limitedInquiry: true}},
		} {
			if tt.write != nil {
				b.do(controller.WriteCurrentIACLAP, tt.write)
			}
			if got := b.do(controller.ReadCurrentIACLAP, nil).Bytes(len(tt.read)); !bytes.Equal(got, tt.read) {
				t.Errorf("read % x, want % x", got, tt.read)
			}
			for _, code := range []uint32{generalInquiry, limitedInquiry} {
				a.begin(controller.Inquiry, inquiry(code, 48, 0))
				time.Sleep(responseTime)
				if got := a.next() != nil; got != tt.finds[code] {
					t.Errorf("% x: inquiry %x finds it: %v", tt.read, code, got)
				}
				a.do(controller.InquiryCancel, nil)
			}
		}
		for _, invalid := range []hcipacket.Parameters{{0, 0, 0, 0}, codes(0x9e8b40), codes(generalInquiry, 0x9e8aff), {2, 0x33, 0x8b, 0x9e}} {
			if status, _ := b.complete(controller.WriteCurrentIACLAP, invalid); status != hcipacket.InvalidParameters {
				t.Errorf("% x: %v", invalid, status)
			}
		}
		b.do(controller.Reset, nil)
		if got := b.do(controller.ReadCurrentIACLAP, nil).Bytes(4); !bytes.Equal(got, codes(generalInquiry)) {
			t.Errorf("after a reset: % x", got)
		}
	})
}

func TestInquiryFindsLaterDevices(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		respondEvenly(a)
		b.do(controller.WriteScanEnable, hcipacket.Parameters{2})
		c.locked(func() { c.controller.Station().SetReachable(false) })
		a.begin(controller.Inquiry, inquiry(generalInquiry, 8, 2))
		time.Sleep(time.Second)
		a.expectNothing()
		b.do(controller.WriteScanEnable, hcipacket.Parameters{3})
		time.Sleep(responseTime)
		if got := a.result(); got.address != addressOfB {
			t.Errorf("found %+v", got)
		}
		b.do(controller.WriteScanEnable, hcipacket.Parameters{2})
		c.locked(func() { c.controller.Station().SetReachable(true) })
		time.Sleep(responseTime)
		if got := a.result(); got.address != addressOfC {
			t.Errorf("found %+v", got)
		}
		a.event(hcipacket.InquiryComplete)
	})
}
