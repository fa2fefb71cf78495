package sdp

import "fmt"

// NewSerialPort returns the record of a serial port (Serial Port Profile 1.2).
func NewSerialPort(name string, channel int) *Record {
	r := NewService(SerialPort, name, channel)
	r.setProfile(SerialPort, 0x0102)
	return r
}

// NewObjectPush returns the record of an Object Push server that accepts objects
// of any format.
func NewObjectPush(name string, channel int) *Record {
	r := NewService(ObjectPush, name, channel, ProtocolOBEX)
	r.setProfile(ObjectPush, 0x0100)
	r.Set(AttributeSupportedFormatsList, Sequence(Uint8(0xff)))
	return r
}

// NewFileTransfer returns the record of an OBEX File Transfer server.
func NewFileTransfer(name string, channel int) *Record {
	r := NewService(FileTransfer, name, channel, ProtocolOBEX)
	r.setProfile(FileTransfer, 0x0100)
	return r
}

// NewService returns the record of a service on an RFCOMM channel, 1 to 30. It
// panics if there is no such channel. Above are the protocols above RFCOMM, such
// as [ProtocolOBEX].
func NewService(service UUID, name string, channel int, above ...UUID) *Record {
	if channel < minChannel || channel > maxChannel {
		panic(fmt.Sprintf("sdp: no such channel %d; RFCOMM has channels 1 to 30", channel))
	}
	stack := []DataElement{
		Sequence(UUIDElement(ProtocolL2CAP)),
		Sequence(UUIDElement(ProtocolRFCOMM), Uint8(uint8(channel))),
	}
	for _, protocol := range above {
		stack = append(stack, Sequence(UUIDElement(protocol)))
	}
	const english, utf8 = 'e'<<8 | 'n', 106
	r := new(Record)
	r.Set(AttributeServiceClassIDList, Sequence(UUIDElement(service)))
	r.Set(AttributeProtocolDescriptorList, Sequence(stack...))
	r.Set(AttributeBrowseGroupList, Sequence(UUIDElement(PublicBrowseRoot)))
	r.Set(AttributeLanguageBaseAttributeIDList, Sequence(Uint16(english), Uint16(utf8), Uint16(uint16(AttributeServiceName))))
	r.Set(AttributeServiceName, Text(name))
	return r
}

func (r *Record) setProfile(profile UUID, version uint16) {
	r.Set(AttributeProfileDescriptorList, Sequence(Sequence(UUIDElement(profile), Uint16(version))))
}
