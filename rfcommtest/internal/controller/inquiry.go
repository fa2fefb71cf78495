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
	search *radio.Inquiry
	found  map[*Controller]bool
}

func (i *inquiry) stop() {
	if i == nil {
		return
	}
	i.timer.Stop()
	i.search.End()
}

// onInquiry starts an inquiry. Its end is reported as HCI_Inquiry_Complete.
func (c *Controller) onInquiry(f *hcipacket.Fields) reply {
	code, length, limit := f.Uint24(), f.Uint8(), int(f.Uint8())
	switch {
	case c.inquiry != nil:
		return rejected(hcipacket.CommandDisallowed)
	case length == 0 || length > maxInquiryLength || !isAccessCode(code):
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

// inquire searches for devices for the given time, or until limit devices have
// responded; 0 means no limit.
//
// A device is reported each time that it responds. The specification leaves
// that to the controller (section 7.1.1), which reports a device only once if
// it remembers its earlier responses. Hosts depend on repetitions: Linux drops
// the results of its own discovery (mgmt_device_found) until it has processed
// the answer to the command (start_discovery_complete).
func (c *Controller) inquire(code uint32, length time.Duration, limit int) {
	i := &inquiry{found: make(map[*Controller]bool)}
	i.timer = time.AfterFunc(length, func() {
		c.station.Locked(func() { c.inquiryComplete(i) })
	})
	c.inquiry = i
	i.search = c.station.Inquire(code, func(other radio.Receiver, rssi int8) {
		device := other.(*Controller)
		i.found[device] = true
		c.inquiryResult(device, rssi)
		if len(i.found) == limit {
			c.inquiryComplete(i)
		}
	})
}

// inquiryComplete ends an inquiry, unless that has happened already, and sends
// HCI_Inquiry_Complete (section 7.7.1).
func (c *Controller) inquiryComplete(i *inquiry) {
	if c.inquiry != i {
		return
	}
	i.stop()
	c.inquiry = nil
	c.event(hcipacket.InquiryComplete, hcipacket.Parameters{}.Status(hcipacket.Success))
}

// inquiryResult reports one response in the format of Inquiry_Mode. A device
// without an extended inquiry response is reported with its RSSI alone, even if
// the host asks for extended results (section 7.3.50).
func (c *Controller) inquiryResult(other *Controller, rssi int8) {
	const (
		repetition  = 1 // page scan repetition mode R1
		reserved    = 0
		clockOffset = 0
	)
	class, response := other.seenClass(), other.seenResponse()
	one := hcipacket.Parameters{1}.Address(other.config.Address).Uint8(repetition, reserved)
	switch mode := c.settings.inquiryMode; {
	case mode == resultsExtended && response != nil:
		p := one.Uint24(class).Uint16(clockOffset).Uint8(uint8(rssi))
		c.event(hcipacket.ExtendedInquiryResult, append(p, response...))
	case mode != resultsStandard:
		c.event(hcipacket.InquiryResultWithRSSI, one.Uint24(class).Uint16(clockOffset).Uint8(uint8(rssi)))
	default:
		c.event(hcipacket.InquiryResult, one.Uint8(reserved).Uint24(class).Uint16(clockOffset))
	}
}

// onWriteInquiryMode sets the format of inquiry results. Formats depend on
// features of the controller.
func (c *Controller) onWriteInquiryMode(f *hcipacket.Fields) reply {
	mode := f.Uint8()
	if mode > resultsExtended || mode == resultsExtended && !c.has(ExtendedInquiryResponse) {
		return reply{status: hcipacket.InvalidParameters}
	}
	c.settings.inquiryMode = mode
	return complete(nil)
}
