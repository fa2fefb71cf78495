package controller

import (
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// What the controller says it is (Assigned Numbers: 4 is version 2.1 of the
// specification, the first with simple pairing; no company has number 0xffff).
const (
	version      = 4
	manufacturer = 0xffff
	subversion   = 1
)

// baseFeatures is what every controller has of page 0 of the link manager's
// features (Volume 2, Part C, section 3.3). What is not in it the host leaves
// alone: audio, role switches, and modes that save power.
var baseFeatures = [8]byte{
	0: 1<<2 | 1<<3,        // encryption, slot offset
	3: 1 << 6,             // RSSI with inquiry results
	6: 1<<0 | 1<<3 | 1<<6, // extended inquiry response, simple pairing, packets that are not flushed
	7: 1 << 7,             // extended features
}

// packetFeatures are those that tell which packets a controller has.
var packetFeatures = []struct {
	octet, bit int
	packets    air.PacketTypes // any of them
}{
	{0, 0, air.DM3 | air.DH3},
	{0, 1, air.DM5 | air.DH5},
	{3, 1, air.TwoDH1 | air.TwoDH3 | air.TwoDH5},
	{3, 2, air.ThreeDH1 | air.ThreeDH3 | air.ThreeDH5},
	{4, 7, air.TwoDH3 | air.ThreeDH3},
	{5, 0, air.TwoDH5 | air.ThreeDH5},
}

// featuresOf returns page 0 of a controller with some packets.
func featuresOf(packets air.PacketTypes) [8]byte {
	page := baseFeatures
	for _, f := range packetFeatures {
		if packets&f.packets != 0 {
			page[f.octet] |= 1 << f.bit
		}
	}
	return page
}

// maxPage is the last page of features.
const maxPage = 1

// featurePage returns a page of features: 0 is the controller's, 1 tells what its host
// has turned on.
func (c *Controller) featurePage(number uint8) [8]byte {
	switch {
	case number == 0:
		return featuresOf(c.config.PacketTypes)
	case number == 1 && c.settings.simplePairing != 0:
		return [8]byte{0: 1 << 0}
	}
	return [8]byte{}
}

var informationCommands = map[hcipacket.Opcode]known{
	hcipacket.ReadLocalVersion: {14, 3, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Uint8(version).Uint16(subversion).
			Uint8(version).Uint16(manufacturer).Uint16(subversion))
	}},
	hcipacket.ReadLocalCommands: {14, 4, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		list := supportedCommands()
		return complete(list[:])
	}},
	hcipacket.ReadLocalFeatures: {14, 5, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		page := c.featurePage(0)
		return complete(page[:])
	}},
	hcipacket.ReadLocalExtendedFeatures: {14, 6, 1, func(c *Controller, f *hcipacket.Fields) reply {
		number := f.Uint8()
		if number > maxPage {
			return reply{status: hcipacket.InvalidParameters, values: hcipacket.Parameters{number, maxPage, 9: 0}}
		}
		page := c.featurePage(number)
		return complete(append(hcipacket.Parameters{number, maxPage}, page[:]...))
	}},
	hcipacket.ReadBufferSize: {14, 7, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		const noAudio = 0
		return complete(hcipacket.Parameters{}.Uint16(uint16(c.config.ACLLength)).Uint8(noAudio).
			Uint16(uint16(c.config.ACLBuffers)).Uint16(noAudio))
	}},
	hcipacket.ReadAddress: {15, 1, 0, func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Address(c.config.Address))
	}},
}
