package controller

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// settings holds the values that the host can write and read back.
type settings struct {
	name            []byte // NameSize bytes, padded with zeros
	response        []byte // extended inquiry response, without FEC_Required
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
	accessCodes     []uint32 // of the inquiries that are answered
	eventMask       uint64
	eventMask2      uint64

	// secureConnections is the host's support of Secure Connections.
	secureConnections uint8
}

// defaultSettings returns the defaults of section 6. Settings without a default
// there start with the smallest value.
func defaultSettings(config Config) settings {
	name := config.Name
	if config.Seen.Name != "" {
		name = config.Seen.Name
	}
	return settings{
		name:          hcipacket.Parameters{}.Text(name, NameSize),
		class:         config.Seen.Class,
		response:      hcipacket.Parameters{}.Text(string(config.Seen.Response), ResponseSize),
		acceptTimeout: 0x1f40,
		pageTimeout:   0x2000,
		pageScan:      [2]uint16{0x0800, 0x0012},
		inquiryScan:   [2]uint16{0x1000, 0x0012},
		accessCodes:   []uint32{generalInquiry},
		eventMask:     defaultEventMask,
	}
}

func slots(n uint16) time.Duration { return time.Duration(n) * radio.SlotTime }

// The opcodes of settingCommands.
const (
	ReadDefaultLinkPolicySettings  hcipacket.Opcode = 0x080e
	WriteDefaultLinkPolicySettings hcipacket.Opcode = 0x080f
	SetEventMask                   hcipacket.Opcode = 0x0c01
	Reset                          hcipacket.Opcode = 0x0c03
	SetEventFilter                 hcipacket.Opcode = 0x0c05
	ReadStoredLinkKey              hcipacket.Opcode = 0x0c0d
	DeleteStoredLinkKey            hcipacket.Opcode = 0x0c12
	WriteLocalName                 hcipacket.Opcode = 0x0c13
	ReadLocalName                  hcipacket.Opcode = 0x0c14
	ReadConnectionAcceptTimeout    hcipacket.Opcode = 0x0c15
	WriteConnectionAcceptTimeout   hcipacket.Opcode = 0x0c16
	ReadPageTimeout                hcipacket.Opcode = 0x0c17
	WritePageTimeout               hcipacket.Opcode = 0x0c18
	ReadScanEnable                 hcipacket.Opcode = 0x0c19
	WriteScanEnable                hcipacket.Opcode = 0x0c1a
	ReadPageScanActivity           hcipacket.Opcode = 0x0c1b
	WritePageScanActivity          hcipacket.Opcode = 0x0c1c
	ReadInquiryScanActivity        hcipacket.Opcode = 0x0c1d
	WriteInquiryScanActivity       hcipacket.Opcode = 0x0c1e
	ReadAuthenticationEnable       hcipacket.Opcode = 0x0c1f
	WriteAuthenticationEnable      hcipacket.Opcode = 0x0c20
	ReadClassOfDevice              hcipacket.Opcode = 0x0c23
	WriteClassOfDevice             hcipacket.Opcode = 0x0c24
	ReadVoiceSetting               hcipacket.Opcode = 0x0c25
	WriteVoiceSetting              hcipacket.Opcode = 0x0c26
	ReadNumberOfSupportedIAC       hcipacket.Opcode = 0x0c38
	ReadCurrentIACLAP              hcipacket.Opcode = 0x0c39
	WriteCurrentIACLAP             hcipacket.Opcode = 0x0c3a
	ReadInquiryScanType            hcipacket.Opcode = 0x0c42
	WriteInquiryScanType           hcipacket.Opcode = 0x0c43
	ReadInquiryMode                hcipacket.Opcode = 0x0c44
	WriteInquiryMode               hcipacket.Opcode = 0x0c45
	ReadPageScanType               hcipacket.Opcode = 0x0c46
	WritePageScanType              hcipacket.Opcode = 0x0c47
	ReadExtendedInquiryResponse    hcipacket.Opcode = 0x0c51
	WriteExtendedInquiryResponse   hcipacket.Opcode = 0x0c52
	ReadSimplePairingMode          hcipacket.Opcode = 0x0c55
	WriteSimplePairingMode         hcipacket.Opcode = 0x0c56
	SetEventMaskPage2              hcipacket.Opcode = 0x0c63
	ReadSecureConnectionsHost      hcipacket.Opcode = 0x0c79
	WriteSecureConnectionsHost     hcipacket.Opcode = 0x0c7a
)

var settingCommands = []command{
	{
		opcode: ReadDefaultLinkPolicySettings, name: "HCI_Read_Default_Link_Policy_Settings", section: "7.2.11",
		supported: bit{5, 3}, parameters: 0,
		handle: read16(func(s *settings) *uint16 { return &s.linkPolicy }),
	},
	{
		opcode: WriteDefaultLinkPolicySettings, name: "HCI_Write_Default_Link_Policy_Settings", section: "7.2.12",
		supported: bit{5, 4}, parameters: 2,
		handle: write16(func(s *settings) *uint16 { return &s.linkPolicy }),
	},
	{
		opcode: SetEventMask, name: "HCI_Set_Event_Mask", section: "7.3.1",
		supported: bit{5, 6}, parameters: 8,
		handle: (*Controller).onSetEventMask,
	},
	{
		opcode: Reset, name: "HCI_Reset", section: "7.3.2",
		supported: bit{5, 7}, parameters: 0,
		handle: (*Controller).onReset,
	},
	{
		opcode: SetEventFilter, name: "HCI_Set_Event_Filter", section: "7.3.3",
		supported: bit{6, 0}, parameters: 1,
		handle: noEffect,
	},
	{
		opcode: ReadStoredLinkKey, name: "HCI_Read_Stored_Link_Key", section: "7.3.8",
		supported: bit{6, 5}, parameters: 7,
		handle: (*Controller).onReadStoredLinkKey,
	},
	{
		opcode: DeleteStoredLinkKey, name: "HCI_Delete_Stored_Link_Key", section: "7.3.10",
		supported: bit{6, 7}, parameters: 7,
		handle: (*Controller).onDeleteStoredLinkKey,
	},
	{
		opcode: WriteLocalName, name: "HCI_Write_Local_Name", section: "7.3.11",
		supported: bit{7, 0}, parameters: NameSize,
		handle: (*Controller).onWriteLocalName,
	},
	{
		opcode: ReadLocalName, name: "HCI_Read_Local_Name", section: "7.3.12",
		supported: bit{7, 1}, parameters: 0,
		handle: (*Controller).onReadLocalName,
	},
	{
		opcode: ReadConnectionAcceptTimeout, name: "HCI_Read_Connection_Accept_Timeout", section: "7.3.13",
		supported: bit{7, 2}, parameters: 0,
		handle: read16(func(s *settings) *uint16 { return &s.acceptTimeout }),
	},
	{
		opcode: WriteConnectionAcceptTimeout, name: "HCI_Write_Connection_Accept_Timeout", section: "7.3.14",
		supported: bit{7, 3}, parameters: 2,
		handle: write16(func(s *settings) *uint16 { return &s.acceptTimeout }),
	},
	{
		opcode: ReadPageTimeout, name: "HCI_Read_Page_Timeout", section: "7.3.15",
		supported: bit{7, 4}, parameters: 0,
		handle: read16(func(s *settings) *uint16 { return &s.pageTimeout }),
	},
	{
		opcode: WritePageTimeout, name: "HCI_Write_Page_Timeout", section: "7.3.16",
		supported: bit{7, 5}, parameters: 2,
		handle: write16(func(s *settings) *uint16 { return &s.pageTimeout }),
	},
	{
		opcode: ReadScanEnable, name: "HCI_Read_Scan_Enable", section: "7.3.17",
		supported: bit{7, 6}, parameters: 0,
		handle: read8(func(s *settings) *uint8 { return &s.scanEnable }),
	},
	{
		opcode: WriteScanEnable, name: "HCI_Write_Scan_Enable", section: "7.3.18",
		supported: bit{7, 7}, parameters: 1,
		handle: (*Controller).onWriteScanEnable,
	},
	{
		opcode: ReadPageScanActivity, name: "HCI_Read_Page_Scan_Activity", section: "7.3.19",
		supported: bit{8, 0}, parameters: 0,
		handle: readActivity(func(s *settings) *[2]uint16 { return &s.pageScan }),
	},
	{
		opcode: WritePageScanActivity, name: "HCI_Write_Page_Scan_Activity", section: "7.3.20",
		supported: bit{8, 1}, parameters: 4,
		handle: writeActivity(func(s *settings) *[2]uint16 { return &s.pageScan }),
	},
	{
		opcode: ReadInquiryScanActivity, name: "HCI_Read_Inquiry_Scan_Activity", section: "7.3.21",
		supported: bit{8, 2}, parameters: 0,
		handle: readActivity(func(s *settings) *[2]uint16 { return &s.inquiryScan }),
	},
	{
		opcode: WriteInquiryScanActivity, name: "HCI_Write_Inquiry_Scan_Activity", section: "7.3.22",
		supported: bit{8, 3}, parameters: 4,
		handle: writeActivity(func(s *settings) *[2]uint16 { return &s.inquiryScan }),
	},
	{
		opcode: ReadAuthenticationEnable, name: "HCI_Read_Authentication_Enable", section: "7.3.23",
		supported: bit{8, 4}, parameters: 0,
		handle: read8(func(s *settings) *uint8 { return &s.authentication }),
	},
	{
		opcode: WriteAuthenticationEnable, name: "HCI_Write_Authentication_Enable", section: "7.3.24",
		supported: bit{8, 5}, parameters: 1,
		handle: write8(func(s *settings) *uint8 { return &s.authentication }),
	},
	{
		opcode: ReadClassOfDevice, name: "HCI_Read_Class_Of_Device", section: "7.3.25",
		supported: bit{9, 0}, parameters: 0,
		handle: (*Controller).onReadClassOfDevice,
	},
	{
		opcode: WriteClassOfDevice, name: "HCI_Write_Class_Of_Device", section: "7.3.26",
		supported: bit{9, 1}, parameters: 3,
		handle: (*Controller).onWriteClassOfDevice,
	},
	{
		opcode: ReadVoiceSetting, name: "HCI_Read_Voice_Setting", section: "7.3.27",
		supported: bit{9, 2}, parameters: 0,
		handle: read16(func(s *settings) *uint16 { return &s.voice }),
	},
	{
		opcode: WriteVoiceSetting, name: "HCI_Write_Voice_Setting", section: "7.3.28",
		supported: bit{9, 3}, parameters: 2,
		handle: write16(func(s *settings) *uint16 { return &s.voice }),
	},
	{
		opcode: ReadNumberOfSupportedIAC, name: "HCI_Read_Number_Of_Supported_IAC", section: "7.3.43",
		supported: bit{11, 2}, parameters: 0,
		handle: (*Controller).onReadNumberOfSupportedIAC,
	},
	{
		opcode: ReadCurrentIACLAP, name: "HCI_Read_Current_IAC_LAP", section: "7.3.44",
		supported: bit{11, 3}, parameters: 0,
		handle: (*Controller).onReadCurrentIACLAP,
	},
	{
		opcode: WriteCurrentIACLAP, name: "HCI_Write_Current_IAC_LAP", section: "7.3.45",
		supported: bit{11, 4}, parameters: 4,
		handle: (*Controller).onWriteCurrentIACLAP,
	},
	{
		opcode: ReadInquiryScanType, name: "HCI_Read_Inquiry_Scan_Type", section: "7.3.47",
		supported: bit{12, 4}, parameters: 0,
		handle: read8(func(s *settings) *uint8 { return &s.inquiryScanType }),
	},
	{
		opcode: WriteInquiryScanType, name: "HCI_Write_Inquiry_Scan_Type", section: "7.3.48",
		supported: bit{12, 5}, parameters: 1,
		handle: write8(func(s *settings) *uint8 { return &s.inquiryScanType }),
	},
	{
		opcode: ReadInquiryMode, name: "HCI_Read_Inquiry_Mode", section: "7.3.49",
		supported: bit{12, 6}, parameters: 0, needs: InquiryRSSI,
		handle: read8(func(s *settings) *uint8 { return &s.inquiryMode }),
	},
	{
		opcode: WriteInquiryMode, name: "HCI_Write_Inquiry_Mode", section: "7.3.50",
		supported: bit{12, 7}, parameters: 1, needs: InquiryRSSI,
		handle: (*Controller).onWriteInquiryMode,
	},
	{
		opcode: ReadPageScanType, name: "HCI_Read_Page_Scan_Type", section: "7.3.51",
		supported: bit{13, 0}, parameters: 0,
		handle: read8(func(s *settings) *uint8 { return &s.pageScanType }),
	},
	{
		opcode: WritePageScanType, name: "HCI_Write_Page_Scan_Type", section: "7.3.52",
		supported: bit{13, 1}, parameters: 1,
		handle: write8(func(s *settings) *uint8 { return &s.pageScanType }),
	},
	{
		opcode: ReadExtendedInquiryResponse, name: "HCI_Read_Extended_Inquiry_Response", section: "7.3.55",
		supported: bit{17, 0}, parameters: 0, since: Version21,
		handle: (*Controller).onReadExtendedInquiryResponse,
	},
	{
		opcode: WriteExtendedInquiryResponse, name: "HCI_Write_Extended_Inquiry_Response", section: "7.3.56",
		supported: bit{17, 1}, parameters: 1 + ResponseSize, since: Version21,
		handle: (*Controller).onWriteExtendedInquiryResponse,
	},
	{
		opcode: ReadSimplePairingMode, name: "HCI_Read_Simple_Pairing_Mode", section: "7.3.58",
		supported: bit{17, 5}, parameters: 0, needs: SimplePairing,
		handle: read8(func(s *settings) *uint8 { return &s.simplePairing }),
	},
	{
		opcode: WriteSimplePairingMode, name: "HCI_Write_Simple_Pairing_Mode", section: "7.3.59",
		supported: bit{17, 6}, parameters: 1, needs: SimplePairing,
		handle: write8(func(s *settings) *uint8 { return &s.simplePairing }),
	},
	{
		opcode: SetEventMaskPage2, name: "HCI_Set_Event_Mask_Page_2", section: "7.3.69",
		supported: bit{22, 2}, parameters: 8, since: Version41,
		handle: (*Controller).onSetEventMaskPage2,
	},
	{
		opcode: ReadSecureConnectionsHost, name: "HCI_Read_Secure_Connections_Host_Support", section: "7.3.91",
		supported: bit{32, 2}, parameters: 0, needs: SecureConnections,
		handle: read8(func(s *settings) *uint8 { return &s.secureConnections }),
	},
	{
		opcode: WriteSecureConnectionsHost, name: "HCI_Write_Secure_Connections_Host_Support", section: "7.3.92",
		supported: bit{32, 3}, parameters: 1, needs: SecureConnections,
		handle: write8(func(s *settings) *uint8 { return &s.secureConnections }),
	},
}

// The following functions make handlers that read or write one setting.

func read8(field func(*settings) *uint8) handler {
	return func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{*field(&c.settings)})
	}
}

func write8(field func(*settings) *uint8) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		*field(&c.settings) = f.Uint8()
		return complete(nil)
	}
}

func read16(field func(*settings) *uint16) handler {
	return func(c *Controller, _ *hcipacket.Fields) reply {
		return complete(hcipacket.Parameters{}.Uint16(*field(&c.settings)))
	}
}

func write16(field func(*settings) *uint16) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		*field(&c.settings) = f.Uint16()
		return complete(nil)
	}
}

func readActivity(field func(*settings) *[2]uint16) handler {
	return func(c *Controller, _ *hcipacket.Fields) reply {
		activity := field(&c.settings)
		return complete(hcipacket.Parameters{}.Uint16(activity[0]).Uint16(activity[1]))
	}
}

func writeActivity(field func(*settings) *[2]uint16) handler {
	return func(c *Controller, f *hcipacket.Fields) reply {
		*field(&c.settings) = [2]uint16{f.Uint16(), f.Uint16()}
		return complete(nil)
	}
}

// noEffect accepts a command without doing anything.
func noEffect(*Controller, *hcipacket.Fields) reply { return complete(nil) }

func (c *Controller) onReset(*hcipacket.Fields) reply {
	c.PowerOff()
	return complete(nil)
}

// onReadStoredLinkKey returns no keys: the host stores them, the controller
// does not.
func (c *Controller) onReadStoredLinkKey(*hcipacket.Fields) reply {
	const maxKeys, keysRead = 0, 0
	return complete(hcipacket.Parameters{}.Uint16(maxKeys).Uint16(keysRead))
}

func (c *Controller) onDeleteStoredLinkKey(*hcipacket.Fields) reply {
	const keysDeleted = 0
	return complete(hcipacket.Parameters{}.Uint16(keysDeleted))
}

func (c *Controller) onWriteLocalName(f *hcipacket.Fields) reply {
	c.settings.name = append([]byte(nil), f.Bytes(NameSize)...)
	return complete(nil)
}

func (c *Controller) onReadLocalName(*hcipacket.Fields) reply {
	return complete(c.settings.name)
}

func (c *Controller) onReadExtendedInquiryResponse(*hcipacket.Fields) reply {
	return complete(append(hcipacket.Parameters{c.settings.responseFEC}, c.settings.response...))
}

// onWriteExtendedInquiryResponse also succeeds if the controller lacks the
// feature, and therefore never sends the response: Linux sets up every
// controller with Secure Simple Pairing by writing an empty response, and fails
// if the command is unknown.
func (c *Controller) onWriteExtendedInquiryResponse(f *hcipacket.Fields) reply {
	c.settings.responseFEC = f.Uint8()
	c.settings.response = append([]byte(nil), f.Bytes(ResponseSize)...)
	return complete(nil)
}

func (c *Controller) onReadClassOfDevice(*hcipacket.Fields) reply {
	return complete(hcipacket.Parameters{}.Uint24(c.settings.class))
}

func (c *Controller) onWriteClassOfDevice(f *hcipacket.Fields) reply {
	c.settings.class = f.Uint24()
	return complete(nil)
}
