package sdp

import "fmt"

// NewSerialPort returns the record of a serial port (Serial Port Profile 1.2,
// section 6.1). It panics if channel is not in the range of 1 to 30.
func NewSerialPort(name string, channel int) *Record {
	r := NewService(SerialPort, name, channel)
	r.setProfile(SerialPort, 0x0102)
	return r
}

// NewObjectPush returns the record of an Object Push server that accepts objects
// of any format. It panics if channel is not in the range of 1 to 30.
func NewObjectPush(name string, channel int) *Record {
	r := NewService(ObjectPush, name, channel, ProtocolOBEX)
	r.setProfile(ObjectPush, 0x0100)
	r.Set(AttributeSupportedFormatsList, Sequence(Uint8(0xff)))
	return r
}

// NewFileTransfer returns the record of an OBEX File Transfer server. It panics
// if channel is not in the range of 1 to 30.
func NewFileTransfer(name string, channel int) *Record {
	r := NewService(FileTransfer, name, channel, ProtocolOBEX)
	r.setProfile(FileTransfer, 0x0100)
	return r
}

// NewService returns the record of a service on an RFCOMM channel: with its
// class, protocols and name, in the public browse root. The UUIDs in above are
// the protocols on top of RFCOMM, such as [ProtocolOBEX]. The name is UTF-8.
// NewService panics if channel is not in the range of 1 to 30.
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
	const english = 'e'<<8 | 'n' // ISO 639
	r := new(Record)
	r.Set(AttributeServiceClassIDList, Sequence(UUIDElement(service)))
	r.Set(AttributeProtocolDescriptorList, Sequence(stack...))
	r.Set(AttributeBrowseGroupList, Sequence(UUIDElement(PublicBrowseRoot)))
	r.Set(AttributeLanguageBaseAttributeIDList, Sequence(Uint16(english), Uint16(uint16(charsetUTF8)), Uint16(uint16(AttributeServiceName))))
	r.Set(AttributeServiceName, Text(name))
	return r
}

func (r *Record) setProfile(profile UUID, version uint16) {
	r.Set(AttributeBluetoothProfileDescriptorList, Sequence(Sequence(UUIDElement(profile), Uint16(version))))
}
