package controller

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// inquiryUnit is the unit of Inquiry_Length (section 7.1.1).
const inquiryUnit = 1280 * time.Millisecond

// maxInquiryLength is the longest inquiry, in units.
const maxInquiryLength = 0x30

// Values of Inquiry_Mode, the format of inquiry results (section 7.3.50).
const (
	resultsStandard = iota
	resultsWithRSSI
	resultsExtended
)

// The opcodes of inquiryCommands.
const (
	Inquiry       hcipacket.Opcode = 0x0401
	InquiryCancel hcipacket.Opcode = 0x0402
)

var inquiryCommands = []command{
	{
		opcode: Inquiry, name: "HCI_Inquiry", section: "7.1.1",
		supported: bit{0, 0}, parameters: 5,
		handle: (*Controller).onInquiry,
	},
	{
		opcode: InquiryCancel, name: "HCI_Inquiry_Cancel", section: "7.1.2",
		supported: bit{0, 1}, parameters: 0,
		handle: (*Controller).onInquiryCancel,
	},
}

// An inquiry is a running search for devices.
type inquiry struct {
	timer  *time.Timer
	search *radio.Inquiry // nil for an access code that no device answers to
}

func (i *inquiry) stop() {
	if i == nil {
		return
	}
	i.timer.Stop()
	if i.search != nil {
		i.search.End()
	}
}

// onInquiry starts an inquiry. Its end is reported as HCI_Inquiry_Complete.
func (c *Controller) onInquiry(f *hcipacket.Fields) reply {
	code, length, limit := f.Uint24(), f.Uint8(), int(f.Uint8())
	switch {
	case c.inquiry != nil:
		return rejected(hcipacket.CommandDisallowed)
	case length == 0 || length > maxInquiryLength:
		return rejected(hcipacket.InvalidParameters)
	}
	return pending(func() { c.inquire(code, time.Duration(length)*inquiryUnit, limit) })
}

// onInquiryCancel stops the inquiry. HCI_Inquiry_Complete is then not sent.
func (c *Controller) onInquiryCancel(*hcipacket.Fields) reply {
	if c.inquiry == nil {
		return reply{status: hcipacket.CommandDisallowed}
	}
	c.inquiry.stop()
	c.inquiry = nil
	return complete(nil)
}

// inquire reports each discoverable device as soon as it can be found. The
// inquiry ends after length, or when limit devices have been reported; 0 means
// no limit.
func (c *Controller) inquire(code uint32, length time.Duration, limit int) {
	i := &inquiry{}
	i.timer = time.AfterFunc(length, func() {
		c.station.Locked(func() {
			if c.inquiry == i {
				i.stop()
				c.inquiry = nil
				c.event(hcipacket.InquiryComplete, hcipacket.Parameters{}.Status(hcipacket.Success))
			}
		})
	})
	c.inquiry = i
	if code != generalInquiry {
		return
	}
	found := 0
	i.search = c.station.Inquire(func(other radio.Receiver) bool {
		c.found(other.(*Controller))
		found++
		if found == limit {
			i.timer.Reset(0)
		}
		return found != limit
	})
}

// found reports one device in the format of Inquiry_Mode.
func (c *Controller) found(other *Controller) {
	const (
		repetition  = 1 // page scan repetition mode R1
		reserved    = 0
		clockOffset = 0
		rssi        = 0xd8 // -40 dBm
	)
	one := hcipacket.Parameters{1}.Address(other.config.Address).Uint8(repetition, reserved)
	switch c.settings.inquiryMode {
	case resultsExtended:
		p := one.Uint24(other.settings.class).Uint16(clockOffset).Uint8(rssi)
		c.event(hcipacket.ExtendedInquiryResult, append(p, other.settings.response...))
	case resultsWithRSSI:
		c.event(hcipacket.InquiryResultWithRSSI, one.Uint24(other.settings.class).Uint16(clockOffset).Uint8(rssi))
	default:
		c.event(hcipacket.InquiryResult, one.Uint8(reserved).Uint24(other.settings.class).Uint16(clockOffset))
	}
}
