package controller

import "github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"

// The controller's identity. In the Assigned Numbers, 0xffff is not assigned to
// a company.
const (
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
		supported: bit{14, 6}, parameters: 1, since: Version21,
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

func (c *Controller) onReadLocalVersionInformation(*hcipacket.Fields) reply {
	version := uint8(c.config.Version)
	return complete(hcipacket.Parameters{}.Uint8(version).Uint16(subversion).
		Uint8(version).Uint16(manufacturer).Uint16(subversion))
}

func (c *Controller) onReadLocalSupportedCommands(*hcipacket.Fields) reply {
	list := c.supportedCommands()
	return complete(list[:])
}

func (c *Controller) onReadLocalSupportedFeatures(*hcipacket.Fields) reply {
	page := c.featurePage(0)
	return complete(page[:])
}

func (c *Controller) onReadLocalExtendedFeatures(f *hcipacket.Fields) reply {
	number, maxPage := f.Uint8(), c.maxPage()
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
