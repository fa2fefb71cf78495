package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// Inquiry access codes (Assigned Numbers, section 2.2), of which a controller
// with inquiry scan answers those that its host has selected.
const (
	generalInquiry = 0x9e8b33 // GIAC: every discoverable device
	firstInquiry   = 0x9e8b00 // the reserved codes, which include the limited inquiry access code (LIAC)
	lastInquiry    = 0x9e8b3f
)

// maxAccessCodes is the number of access codes that a controller can scan for
// at the same time. Linux scans for the GIAC and the LIAC (set_discoverable).
const maxAccessCodes = 2

func isAccessCode(code uint32) bool { return firstInquiry <= code && code <= lastInquiry }

// Bits of Scan_Enable (section 7.3.18).
const (
	inquiryScanEnabled = 1 << 0
	pageScanEnabled    = 1 << 1
)

// onWriteScanEnable turns page scan and inquiry scan on or off. A page or an
// inquiry of another device may be waiting for that, so it takes effect after
// the answer.
func (c *Controller) onWriteScanEnable(f *hcipacket.Fields) reply {
	c.settings.scanEnable = f.Uint8()
	return reply{then: c.scan}
}

// scan applies the host's settings to the station.
func (c *Controller) scan() {
	var codes []uint32
	if c.settings.scanEnable&inquiryScanEnabled != 0 {
		codes = c.settings.accessCodes
	}
	c.station.SetInquiryScan(codes...)
	c.station.SetPageScan(c.settings.scanEnable&pageScanEnabled != 0 && !c.cutOff)
}

func (c *Controller) onReadNumberOfSupportedIAC(*hcipacket.Fields) reply {
	return complete(hcipacket.Parameters{maxAccessCodes})
}

func (c *Controller) onReadCurrentIACLAP(*hcipacket.Fields) reply {
	codes := c.settings.accessCodes
	p := hcipacket.Parameters{uint8(len(codes))}
	for _, code := range codes {
		p = p.Uint24(code)
	}
	return complete(p)
}

// onWriteCurrentIACLAP replaces the access codes. If there are too many, the
// controller uses the first ones (section 7.3.45).
func (c *Controller) onWriteCurrentIACLAP(f *hcipacket.Fields) reply {
	n := f.Uint8()
	var codes []uint32
	for range n {
		code := f.Uint24()
		if !isAccessCode(code) {
			return reply{status: hcipacket.InvalidParameters}
		}
		codes = append(codes, code)
	}
	if n == 0 {
		return reply{status: hcipacket.InvalidParameters}
	}
	c.settings.accessCodes = codes[:min(n, maxAccessCodes)]
	return reply{then: c.scan}
}
