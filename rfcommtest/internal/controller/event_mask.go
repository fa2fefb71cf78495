package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// defaultEventMask selects the events that exist since version 1.1 (section
// 7.3.1).
const defaultEventMask = 0x1fff_ffff_ffff

// maskedEvents is the number of events of the first event mask. Bit 0 is for
// event 0x01. The events from 0x40 on have the second mask.
const (
	maskedEvents    = 63
	firstPage2Event = 0x40
)

// masked reports whether the host has not selected an event. The answers to
// commands and HCI_Number_Of_Completed_Packets cannot be masked (section 7.3.1).
func (c *Controller) masked(code hcipacket.EventCode) bool {
	switch {
	case code == hcipacket.CommandComplete, code == hcipacket.CommandStatus, code == hcipacket.NumberOfCompletedPackets:
		return false
	case code >= firstPage2Event:
		return c.settings.eventMask2>>(code-firstPage2Event)&1 == 0
	}
	return c.settings.eventMask>>(code-1)&1 == 0
}

func (c *Controller) onSetEventMask(f *hcipacket.Fields) reply {
	c.settings.eventMask = f.Uint64()
	return complete(nil)
}

func (c *Controller) onSetEventMaskPage2(f *hcipacket.Fields) reply {
	c.settings.eventMask2 = f.Uint64()
	return complete(nil)
}
