package hcipacket

import (
	"encoding/binary"
	"fmt"
)

// An Opcode is the number of a command: a group (OGF) of 6 bits and a command
// in it (OCF) of 10 bits.
type Opcode uint16

// The commands that a controller for BR/EDR links without audio knows (Volume 4,
// Part E, sections 7.1 to 7.5).
const (
	Inquiry                     Opcode = 0x0401
	InquiryCancel               Opcode = 0x0402
	CreateConnection            Opcode = 0x0405
	Disconnect                  Opcode = 0x0406
	CreateConnectionCancel      Opcode = 0x0408
	AcceptConnectionRequest     Opcode = 0x0409
	RejectConnectionRequest     Opcode = 0x040a
	LinkKeyRequestReply         Opcode = 0x040b
	LinkKeyRequestNegativeReply Opcode = 0x040c
	PINCodeRequestReply         Opcode = 0x040d
	PINCodeRequestNegativeReply Opcode = 0x040e
	ChangeConnectionPacketType  Opcode = 0x040f
	AuthenticationRequested     Opcode = 0x0411
	SetConnectionEncryption     Opcode = 0x0413
	RemoteNameRequest           Opcode = 0x0419
	RemoteNameRequestCancel     Opcode = 0x041a
	ReadRemoteFeatures          Opcode = 0x041b
	ReadRemoteExtendedFeatures  Opcode = 0x041c
	ReadRemoteVersion           Opcode = 0x041d
	ReadClockOffset             Opcode = 0x041f
	IOCapabilityReply           Opcode = 0x042b
	UserConfirmationReply       Opcode = 0x042c
	UserConfirmationNegative    Opcode = 0x042d
	IOCapabilityNegativeReply   Opcode = 0x0434

	RoleDiscovery          Opcode = 0x0809
	ReadLinkPolicy         Opcode = 0x080c
	WriteLinkPolicy        Opcode = 0x080d
	ReadDefaultLinkPolicy  Opcode = 0x080e
	WriteDefaultLinkPolicy Opcode = 0x080f

	SetEventMask                Opcode = 0x0c01
	Reset                       Opcode = 0x0c03
	SetEventFilter              Opcode = 0x0c05
	ReadStoredLinkKey           Opcode = 0x0c0d
	DeleteStoredLinkKey         Opcode = 0x0c12
	WriteLocalName              Opcode = 0x0c13
	ReadLocalName               Opcode = 0x0c14
	ReadConnectionAcceptTimeout Opcode = 0x0c15
	WriteConnectionAccept       Opcode = 0x0c16
	ReadPageTimeout             Opcode = 0x0c17
	WritePageTimeout            Opcode = 0x0c18
	ReadScanEnable              Opcode = 0x0c19
	WriteScanEnable             Opcode = 0x0c1a
	ReadPageScanActivity        Opcode = 0x0c1b
	WritePageScanActivity       Opcode = 0x0c1c
	ReadInquiryScanActivity     Opcode = 0x0c1d
	WriteInquiryScanActivity    Opcode = 0x0c1e
	ReadAuthenticationEnable    Opcode = 0x0c1f
	WriteAuthenticationEnable   Opcode = 0x0c20
	ReadClassOfDevice           Opcode = 0x0c23
	WriteClassOfDevice          Opcode = 0x0c24
	ReadVoiceSetting            Opcode = 0x0c25
	WriteVoiceSetting           Opcode = 0x0c26
	ReadTransmitPower           Opcode = 0x0c2d
	ReadSupervisionTimeout      Opcode = 0x0c36
	WriteSupervisionTimeout     Opcode = 0x0c37
	ReadNumberOfIAC             Opcode = 0x0c38
	ReadCurrentIAC              Opcode = 0x0c39
	WriteCurrentIAC             Opcode = 0x0c3a
	ReadInquiryScanType         Opcode = 0x0c42
	WriteInquiryScanType        Opcode = 0x0c43
	ReadInquiryMode             Opcode = 0x0c44
	WriteInquiryMode            Opcode = 0x0c45
	ReadPageScanType            Opcode = 0x0c46
	WritePageScanType           Opcode = 0x0c47
	ReadExtendedInquiryResponse Opcode = 0x0c51
	WriteExtendedInquiry        Opcode = 0x0c52
	ReadSimplePairingMode       Opcode = 0x0c55
	WriteSimplePairingMode      Opcode = 0x0c56

	ReadLocalVersion          Opcode = 0x1001
	ReadLocalCommands         Opcode = 0x1002
	ReadLocalFeatures         Opcode = 0x1003
	ReadLocalExtendedFeatures Opcode = 0x1004
	ReadBufferSize            Opcode = 0x1005
	ReadAddress               Opcode = 0x1009

	ReadRSSI              Opcode = 0x1405
	ReadEncryptionKeySize Opcode = 0x1408
)

func (o Opcode) String() string { return fmt.Sprintf("command 0x%04x", uint16(o)) }

// A Command is what a host asks of its controller.
type Command struct {
	Opcode     Opcode
	Parameters []byte // at most 255 bytes
}

// ParseCommand reads a command. Its parameters are part of packet.
func ParseCommand(packet []byte) (Command, error) {
	head, rest, err := split(packet, KindCommand, 3, func(head []byte) int { return int(head[2]) })
	if err != nil {
		return Command{}, err
	}
	return Command{Opcode(binary.LittleEndian.Uint16(head)), rest}, nil
}

// Append appends the packet to b.
func (c Command) Append(b []byte) []byte {
	b = append(b, byte(KindCommand))
	b = binary.LittleEndian.AppendUint16(b, uint16(c.Opcode))
	return append(append(b, byte(len(c.Parameters))), c.Parameters...)
}
