package controller

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// Sizes of fields (sections 7.3.11 and 7.3.56).
const (
	nameSize     = 248
	responseSize = 240
)

// settings is what a host can set, and read back.
type settings struct {
	name            []byte // nameSize bytes, zeros behind
	response        []byte // extended inquiry response, behind its FEC byte
	responseFEC     uint8
	class           uint32
	scanEnable      uint8
	acceptTimeout   uint16
	pageTimeout     uint16
	voice           uint16
	linkPolicy      uint16
	authentication  uint8
	inquiryMode     uint8
	simplePairing   uint8
	pageScan        [2]uint16 // interval and window
	inquiryScan     [2]uint16
	pageScanType    uint8
	inquiryScanType uint8
}

// defaultSettings are those of section 6, or the smallest.
func defaultSettings(name string) settings {
	return settings{
		name:          hcipacket.Parameters{}.Text(name, nameSize),
		response:      make([]byte, responseSize),
		acceptTimeout: 0x1f40,
		pageTimeout:   0x2000,
		pageScan:      [2]uint16{0x0800, 0x0012},
		inquiryScan:   [2]uint16{0x1000, 0x0012},
	}
}

func slots(n uint16) time.Duration { return time.Duration(n) * radio.SlotTime }

// generalInquiry is the access code that every discoverable device answers to.
const generalInquiry = 0x9e8b33

// bits of scanEnable
const (
	inquiryScanEnabled = 1 << 0
	pageScanEnabled    = 1 << 1
)

// The functions below make commands that read or write a setting of one kind.
func read8(octet, bit int, of func(*settings) *uint8) known {
	return known{octet, bit, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{*of(&c.settings)})
	}}
}

func write8(octet, bit int, of func(*settings) *uint8) known {
	return known{octet, bit, 1, func(c *Controller, f *hcipacket.Fields) reply {
		*of(&c.settings) = f.Uint8()
		return complete(nil)
	}}
}

func read16(octet, bit int, of func(*settings) *uint16) known {
	return known{octet, bit, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Uint16(*of(&c.settings)))
	}}
}

func write16(octet, bit int, of func(*settings) *uint16) known {
	return known{octet, bit, 2, func(c *Controller, f *hcipacket.Fields) reply {
		*of(&c.settings) = f.Uint16()
		return complete(nil)
	}}
}

func readActivity(octet, bit int, of func(*settings) *[2]uint16) known {
	return known{octet, bit, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		activity := of(&c.settings)
		return complete(hcipacket.Parameters{}.Uint16(activity[0]).Uint16(activity[1]))
	}}
}

func writeActivity(octet, bit int, of func(*settings) *[2]uint16) known {
	return known{octet, bit, 4, func(c *Controller, f *hcipacket.Fields) reply {
		*of(&c.settings) = [2]uint16{f.Uint16(), f.Uint16()}
		return complete(nil)
	}}
}

// accepted is a command that changes nothing here.
func accepted(octet, bit, size int) known {
	return known{octet, bit, size, func(*Controller, *hcipacket.Fields) reply { return complete(nil) }}
}

var settingCommands = map[hcipacket.Opcode]known{
	hcipacket.Reset: {5, 7, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		c.PowerOff()
		return complete(nil)
	}},
	hcipacket.SetEventMask:   accepted(5, 6, 8),
	hcipacket.SetEventFilter: accepted(6, 0, 1),

	// The controller keeps no keys: its host does.
	hcipacket.ReadStoredLinkKey: {6, 5, 7, func(*Controller, *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Uint16(0).Uint16(0))
	}},
	hcipacket.DeleteStoredLinkKey: {6, 7, 7, func(*Controller, *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Uint16(0))
	}},

	hcipacket.WriteLocalName: {7, 0, nameSize, func(c *Controller, f *hcipacket.Fields) reply {
		c.settings.name = append([]byte(nil), f.Bytes(nameSize)...)
		return complete(nil)
	}},
	hcipacket.ReadLocalName: {7, 1, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(c.settings.name)
	}},
	hcipacket.ReadExtendedInquiryResponse: {17, 0, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(append(hcipacket.Parameters{c.settings.responseFEC}, c.settings.response...))
	}},
	hcipacket.WriteExtendedInquiry: {17, 1, 1 + responseSize, func(c *Controller, f *hcipacket.Fields) reply {
		c.settings.responseFEC = f.Uint8()
		c.settings.response = append([]byte(nil), f.Bytes(responseSize)...)
		return complete(nil)
	}},
	hcipacket.ReadClassOfDevice: {9, 0, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Uint24(c.settings.class))
	}},
	hcipacket.WriteClassOfDevice: {9, 1, 3, func(c *Controller, f *hcipacket.Fields) reply {
		c.settings.class = f.Uint24()
		return complete(nil)
	}},
	hcipacket.ReadScanEnable: read8(7, 6, func(s *settings) *uint8 { return &s.scanEnable }),
	hcipacket.WriteScanEnable: {7, 7, 1, func(c *Controller, f *hcipacket.Fields) reply {
		c.settings.scanEnable = f.Uint8()
		return reply{then: func() { // a page or an inquiry may be waiting
			c.station.SetInquiryScan(c.settings.scanEnable&inquiryScanEnabled != 0)
			c.station.SetPageScan(c.settings.scanEnable&pageScanEnabled != 0 && !c.cutOff)
		}}
	}},

	hcipacket.ReadConnectionAcceptTimeout: read16(7, 2, func(s *settings) *uint16 { return &s.acceptTimeout }),
	hcipacket.WriteConnectionAccept:       write16(7, 3, func(s *settings) *uint16 { return &s.acceptTimeout }),
	hcipacket.ReadPageTimeout:             read16(7, 4, func(s *settings) *uint16 { return &s.pageTimeout }),
	hcipacket.WritePageTimeout:            write16(7, 5, func(s *settings) *uint16 { return &s.pageTimeout }),
	hcipacket.ReadVoiceSetting:            read16(9, 2, func(s *settings) *uint16 { return &s.voice }),
	hcipacket.WriteVoiceSetting:           write16(9, 3, func(s *settings) *uint16 { return &s.voice }),
	hcipacket.ReadDefaultLinkPolicy:       read16(5, 3, func(s *settings) *uint16 { return &s.linkPolicy }),
	hcipacket.WriteDefaultLinkPolicy:      write16(5, 4, func(s *settings) *uint16 { return &s.linkPolicy }),
	hcipacket.ReadAuthenticationEnable:    read8(8, 4, func(s *settings) *uint8 { return &s.authentication }),
	hcipacket.WriteAuthenticationEnable:   write8(8, 5, func(s *settings) *uint8 { return &s.authentication }),
	hcipacket.ReadInquiryMode:             read8(12, 6, func(s *settings) *uint8 { return &s.inquiryMode }),
	hcipacket.WriteInquiryMode:            write8(12, 7, func(s *settings) *uint8 { return &s.inquiryMode }),
	hcipacket.ReadSimplePairingMode:       read8(17, 5, func(s *settings) *uint8 { return &s.simplePairing }),
	hcipacket.WriteSimplePairingMode:      write8(17, 6, func(s *settings) *uint8 { return &s.simplePairing }),
	hcipacket.ReadPageScanActivity:        readActivity(8, 0, func(s *settings) *[2]uint16 { return &s.pageScan }),
	hcipacket.WritePageScanActivity:       writeActivity(8, 1, func(s *settings) *[2]uint16 { return &s.pageScan }),
	hcipacket.ReadInquiryScanActivity:     readActivity(8, 2, func(s *settings) *[2]uint16 { return &s.inquiryScan }),
	hcipacket.WriteInquiryScanActivity:    writeActivity(8, 3, func(s *settings) *[2]uint16 { return &s.inquiryScan }),
	hcipacket.ReadPageScanType:            read8(13, 0, func(s *settings) *uint8 { return &s.pageScanType }),
	hcipacket.WritePageScanType:           write8(13, 1, func(s *settings) *uint8 { return &s.pageScanType }),
	hcipacket.ReadInquiryScanType:         read8(12, 4, func(s *settings) *uint8 { return &s.inquiryScanType }),
	hcipacket.WriteInquiryScanType:        write8(12, 5, func(s *settings) *uint8 { return &s.inquiryScanType }),

	hcipacket.ReadNumberOfIAC: {11, 2, 0, func(*Controller, *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{1})
	}},
	hcipacket.ReadCurrentIAC: {11, 3, 0, func(*Controller, *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{1}.Uint24(generalInquiry))
	}},
	hcipacket.WriteCurrentIAC: accepted(11, 4, 4),
}
