package controller

import (
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// The controller's identity. In the Assigned Numbers, version 4 is version 2.1
// of the specification, the first with Secure Simple Pairing; 0xffff is not
// assigned to a company.
const (
	version      = 4
	manufacturer = 0xffff
	subversion   = 1
)

// The opcodes of informationCommands.
const (
	ReadLocalVersionInformation hcipacket.Opcode = 0x1001
	ReadLocalSupportedCommands  hcipacket.Opcode = 0x1002
	ReadLocalSupportedFeatures  hcipacket.Opcode = 0x1003
	ReadLocalExtendedFeatures   hcipacket.Opcode = 0x1004
	ReadBufferSize              hcipacket.Opcode = 0x1005
	ReadBDADDR                  hcipacket.Opcode = 0x1009
)

var informationCommands = []command{
	{
		opcode: ReadLocalVersionInformation, name: "HCI_Read_Local_Version_Information", section: "7.4.1",
		supported: bit{14, 3}, parameters: 0,
		handle: (*Controller).onReadLocalVersionInformation,
	},
	{
		opcode: ReadLocalSupportedCommands, name: "HCI_Read_Local_Supported_Commands", section: "7.4.2",
		supported: bit{14, 4}, parameters: 0,
		handle: (*Controller).onReadLocalSupportedCommands,
	},
	{
		opcode: ReadLocalSupportedFeatures, name: "HCI_Read_Local_Supported_Features", section: "7.4.3",
		supported: bit{14, 5}, parameters: 0,
		handle: (*Controller).onReadLocalSupportedFeatures,
	},
	{
		opcode: ReadLocalExtendedFeatures, name: "HCI_Read_Local_Extended_Features", section: "7.4.4",
		supported: bit{14, 6}, parameters: 1,
		handle: (*Controller).onReadLocalExtendedFeatures,
	},
	{
		opcode: ReadBufferSize, name: "HCI_Read_Buffer_Size", section: "7.4.5",
		supported: bit{14, 7}, parameters: 0,
		handle: (*Controller).onReadBufferSize,
	},
	{
		opcode: ReadBDADDR, name: "HCI_Read_BD_ADDR", section: "7.4.6",
		supported: bit{15, 1}, parameters: 0,
		handle: (*Controller).onReadBDADDR,
	},
}

// baseFeatures holds the features of page 0 that every controller has, whatever
// its packet types (LMP features, Volume 2, Part C, section 3.3). The host does
// not use features that are missing here: audio, role switches, and the modes
// that save power.
var baseFeatures = [8]byte{
	0: 1<<2 | 1<<3,        // encryption, slot offset
	3: 1 << 6,             // RSSI with inquiry results
	6: 1<<0 | 1<<3 | 1<<6, // extended inquiry response, Secure Simple Pairing, non-flushable packets
	7: 1 << 7,             // extended features
}

// packetFeatures holds the features of page 0 that depend on the packet types.
var packetFeatures = []struct {
	feature bit
	types   air.PacketTypes // any of these
}{
	{bit{0, 0}, air.DM3 | air.DH3},
	{bit{0, 1}, air.DM5 | air.DH5},
	{bit{3, 1}, air.TwoDH1 | air.TwoDH3 | air.TwoDH5},
	{bit{3, 2}, air.ThreeDH1 | air.ThreeDH3 | air.ThreeDH5},
	{bit{4, 7}, air.TwoDH3 | air.ThreeDH3},
	{bit{5, 0}, air.TwoDH5 | air.ThreeDH5},
}

// featuresOf returns page 0 of a controller with the given packet types.
func featuresOf(types air.PacketTypes) [8]byte {
	page := baseFeatures
	for _, f := range packetFeatures {
		if types&f.types != 0 {
			page[f.feature.octet] |= 1 << f.feature.bit
		}
	}
	return page
}

// maxPage is the last page of features.
const maxPage = 1

// featurePage returns a page of features. Page 0 describes the controller. Page
// 1 reports which features the host has enabled.
func (c *Controller) featurePage(number uint8) [8]byte {
	switch {
	case number == 0:
		return featuresOf(c.config.PacketTypes)
	case number == 1 && c.settings.simplePairing != 0:
		return [8]byte{0: 1 << 0}
	}
	return [8]byte{}
}

func (c *Controller) onReadLocalVersionInformation(*hcipacket.Fields) reply {
	return complete(hcipacket.Parameters{}.Uint8(version).Uint16(subversion).
		Uint8(version).Uint16(manufacturer).Uint16(subversion))
}

func (c *Controller) onReadLocalSupportedCommands(*hcipacket.Fields) reply {
	list := supportedCommands()
	return complete(list[:])
}

func (c *Controller) onReadLocalSupportedFeatures(*hcipacket.Fields) reply {
	page := c.featurePage(0)
	return complete(page[:])
}

func (c *Controller) onReadLocalExtendedFeatures(f *hcipacket.Fields) reply {
	number := f.Uint8()
	if number > maxPage {
		return reply{status: hcipacket.InvalidParameters, returns: hcipacket.Parameters{number, maxPage, 9: 0}}
	}
	page := c.featurePage(number)
	return complete(append(hcipacket.Parameters{number, maxPage}, page[:]...))
}

// onReadBufferSize returns the length and number of the ACL buffers, and none
// for synchronous data (audio).
func (c *Controller) onReadBufferSize(*hcipacket.Fields) reply {
	const noAudio = 0
	return complete(hcipacket.Parameters{}.Uint16(uint16(c.config.ACLLength)).Uint8(noAudio).
		Uint16(uint16(c.config.ACLBuffers)).Uint16(noAudio))
}

func (c *Controller) onReadBDADDR(*hcipacket.Fields) reply {
	return complete(hcipacket.Parameters{}.Address(c.config.Address))
}
