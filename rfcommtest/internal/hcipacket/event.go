package hcipacket

import "fmt"

// An EventCode is the number of an event.
type EventCode byte

// The events of BR/EDR links without audio (Volume 4, Part E, section 7.7).
const (
	InquiryComplete             EventCode = 0x01
	InquiryResult               EventCode = 0x02
	ConnectionComplete          EventCode = 0x03
	ConnectionRequest           EventCode = 0x04
	DisconnectionComplete       EventCode = 0x05
	AuthenticationComplete      EventCode = 0x06
	RemoteNameRequestComplete   EventCode = 0x07
	EncryptionChange            EventCode = 0x08
	RemoteFeaturesComplete      EventCode = 0x0b
	RemoteVersionComplete       EventCode = 0x0c
	CommandComplete             EventCode = 0x0e
	CommandStatus               EventCode = 0x0f
	NumberOfCompletedPackets    EventCode = 0x13
	PINCodeRequest              EventCode = 0x16
	LinkKeyRequest              EventCode = 0x17
	LinkKeyNotification         EventCode = 0x18
	ClockOffsetComplete         EventCode = 0x1c
	ConnectionPacketTypeChanged EventCode = 0x1d
	InquiryResultWithRSSI       EventCode = 0x22
	RemoteExtendedFeatures      EventCode = 0x23
	ExtendedInquiryResult       EventCode = 0x2f
	IOCapabilityRequest         EventCode = 0x31
	IOCapabilityResponse        EventCode = 0x32
	UserConfirmationRequest     EventCode = 0x33
	SimplePairingComplete       EventCode = 0x36
)

func (e EventCode) String() string { return fmt.Sprintf("event 0x%02x", byte(e)) }

// An Event is what a controller tells its host.
type Event struct {
	Code       EventCode
	Parameters []byte // at most 255 bytes
}

// ParseEvent reads an event. Its parameters are part of packet.
func ParseEvent(packet []byte) (Event, error) {
	head, rest, err := split(packet, KindEvent, 2, func(head []byte) int { return int(head[1]) })
	if err != nil {
		return Event{}, err
	}
	return Event{EventCode(head[0]), rest}, nil
}

// Append appends the packet to b.
func (e Event) Append(b []byte) []byte {
	b = append(b, byte(KindEvent), byte(e.Code), byte(len(e.Parameters)))
	return append(b, e.Parameters...)
}
