package hcipacket

import "fmt"

// An EventCode is the number of an event.
type EventCode byte

// The events of BR/EDR connections without audio, with their names and sections
// in Volume 4, Part E.
const (
	InquiryComplete                      EventCode = 0x01 // HCI_Inquiry_Complete (7.7.1)
	InquiryResult                        EventCode = 0x02 // HCI_Inquiry_Result (7.7.2)
	ConnectionComplete                   EventCode = 0x03 // HCI_Connection_Complete (7.7.3)
	ConnectionRequest                    EventCode = 0x04 // HCI_Connection_Request (7.7.4)
	DisconnectionComplete                EventCode = 0x05 // HCI_Disconnection_Complete (7.7.5)
	AuthenticationComplete               EventCode = 0x06 // HCI_Authentication_Complete (7.7.6)
	RemoteNameRequestComplete            EventCode = 0x07 // HCI_Remote_Name_Request_Complete (7.7.7)
	EncryptionChange                     EventCode = 0x08 // HCI_Encryption_Change (7.7.8)
	ReadRemoteSupportedFeaturesComplete  EventCode = 0x0b // HCI_Read_Remote_Supported_Features_Complete (7.7.11)
	ReadRemoteVersionInformationComplete EventCode = 0x0c // HCI_Read_Remote_Version_Information_Complete (7.7.12)
	CommandComplete                      EventCode = 0x0e // HCI_Command_Complete (7.7.14)
	CommandStatus                        EventCode = 0x0f // HCI_Command_Status (7.7.15)
	NumberOfCompletedPackets             EventCode = 0x13 // HCI_Number_Of_Completed_Packets (7.7.19)
	PINCodeRequest                       EventCode = 0x16 // HCI_PIN_Code_Request (7.7.22)
	LinkKeyRequest                       EventCode = 0x17 // HCI_Link_Key_Request (7.7.23)
	LinkKeyNotification                  EventCode = 0x18 // HCI_Link_Key_Notification (7.7.24)
	ReadClockOffsetComplete              EventCode = 0x1c // HCI_Read_Clock_Offset_Complete (7.7.28)
	ConnectionPacketTypeChanged          EventCode = 0x1d // HCI_Connection_Packet_Type_Changed (7.7.29)
	InquiryResultWithRSSI                EventCode = 0x22 // HCI_Inquiry_Result_with_RSSI (7.7.33)
	ReadRemoteExtendedFeaturesComplete   EventCode = 0x23 // HCI_Read_Remote_Extended_Features_Complete (7.7.34)
	ExtendedInquiryResult                EventCode = 0x2f // HCI_Extended_Inquiry_Result (7.7.38)
	IOCapabilityRequest                  EventCode = 0x31 // HCI_IO_Capability_Request (7.7.40)
	IOCapabilityResponse                 EventCode = 0x32 // HCI_IO_Capability_Response (7.7.41)
	UserConfirmationRequest              EventCode = 0x33 // HCI_User_Confirmation_Request (7.7.42)
	UserPasskeyRequest                   EventCode = 0x34 // HCI_User_Passkey_Request (7.7.43)
	SimplePairingComplete                EventCode = 0x36 // HCI_Simple_Pairing_Complete (7.7.45)
	UserPasskeyNotification              EventCode = 0x3b // HCI_User_Passkey_Notification (7.7.48)
	KeypressNotification                 EventCode = 0x3c // HCI_Keypress_Notification (7.7.49)
)

func (e EventCode) String() string { return fmt.Sprintf("event 0x%02x", byte(e)) }

// An Event is a message of a controller to its host.
type Event struct {
	Code       EventCode
	Parameters []byte // at most 255 bytes
}

// ParseEvent decodes an event. The result refers to packet.
func ParseEvent(packet []byte) (Event, error) {
	head, rest, err := split(packet, KindEvent, 2, func(head []byte) int { return int(head[1]) })
	if err != nil {
		return Event{}, err
	}
	return Event{EventCode(head[0]), rest}, nil
}

// Append appends the encoded packet to b.
func (e Event) Append(b []byte) []byte {
	b = append(b, byte(KindEvent), byte(e.Code), byte(len(e.Parameters)))
	return append(b, e.Parameters...)
}
