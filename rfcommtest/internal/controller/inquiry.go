package controller

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// inquiryUnit is the unit of an inquiry's length (section 7.1.1).
const inquiryUnit = 1280 * time.Millisecond

// maxInquiryLength is the longest inquiry, in units.
const maxInquiryLength = 0x30

// Formats of inquiry results (section 7.3.50).
const (
	resultsStandard = iota
	resultsWithRSSI
	resultsExtended
)

// An inquiry is a search for devices.
type inquiry struct {
	timer  *time.Timer
	search *radio.Inquiry // nil: for devices that there are none of
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

var inquiryCommands = map[hcipacket.Opcode]known{
	hcipacket.Inquiry: {0, 0, 5, func(c *Controller, f *hcipacket.Fields) reply {
		code, length, most := f.Uint24(), f.Uint8(), int(f.Uint8())
		switch {
		case c.inquiry != nil:
			return refused(hcipacket.CommandDisallowed)
		case length == 0 || length > maxInquiryLength:
			return refused(hcipacket.InvalidParameters)
		}
		return begun(func() { c.inquire(code, time.Duration(length)*inquiryUnit, most) })
	}},
	hcipacket.InquiryCancel: {0, 1, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		if c.inquiry == nil {
			return reply{status: hcipacket.CommandDisallowed}
		}
		c.inquiry.stop()
		c.inquiry = nil
		return complete(nil)
	}},
}

// inquire reports the devices that can be found, each as soon as it can be, for the
// time that was asked for, or until there are as many as the host wants.
func (c *Controller) inquire(code uint32, length time.Duration, most int) {
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
		if found == most {
			i.timer.Reset(0)
		}
		return found != most
	})
}

// found reports one device.
func (c *Controller) found(other *Controller) {
	const (
		repetition  = 1 // page scan repetition mode R1
		reserved    = 0
		clockOffset = 0
		strength    = 0xd8 // -40 dBm
	)
	one := hcipacket.Parameters{1}.Address(other.config.Address).Uint8(repetition, reserved)
	switch c.settings.inquiryMode {
	case resultsExtended:
		p := one.Uint24(other.settings.class).Uint16(clockOffset).Uint8(strength)
		c.event(hcipacket.ExtendedInquiryResult, append(p, other.settings.response...))
	case resultsWithRSSI:
		c.event(hcipacket.InquiryResultWithRSSI, one.Uint24(other.settings.class).Uint16(clockOffset).Uint8(strength))
	default:
		c.event(hcipacket.InquiryResult, one.Uint8(reserved).Uint24(other.settings.class).Uint16(clockOffset))
	}
}
