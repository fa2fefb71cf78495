package sdptest

import "github.com/go-rfcomm/rfcomm/sdp"

// The service classes by which the tests find their records, whichever other
// records the server has.
var (
	portUUID     = sdp.UUID32(0x5d90_0001)
	pushUUID     = sdp.UUID32(0x5d90_0002)
	keyboardUUID = sdp.UUID32(0x5d90_0003)
	groupUUID    = sdp.UUID32(0x5d90_0004) // in all records
)

// twelve are the service classes of one record.
func twelve() (uuids []sdp.UUID) {
	for v := range uint32(12) {
		uuids = append(uuids, sdp.UUID32(0x5d90_1000+v))
	}
	return uuids
}

// keyboard attributes.
const (
	hidp    = 0x0011 // the UUID and the control channel
	hidpPSM = 0x0013 // the interrupt channel
)

// folders is the number of File Transfer records. The handles of all records
// exceed the smallest MTU.
const folders = 8

// Records returns the records that a server under test must have. It may have
// others.
func Records() []*sdp.Record {
	many := sdp.NewService(sdp.UUID{}, "Twelve", 2)
	classes(many, twelve()...)
	records := []*sdp.Record{port(), push(), keyboard(), many}
	for range folders {
		records = append(records, sdp.NewFileTransfer("OBEX File Transfer", 10))
	}
	for _, r := range records {
		r.Set(sdp.AttributeBrowseGroupList, sdp.Sequence(sdp.UUIDElement(sdp.PublicBrowseRoot), sdp.UUIDElement(groupUUID)))
	}
	return records
}

// classes sets the service classes of a record.
func classes(r *sdp.Record, uuids ...sdp.UUID) {
	var elements []sdp.DataElement
	for _, u := range uuids {
		elements = append(elements, sdp.UUIDElement(u))
	}
	r.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(elements...))
}

// port returns a serial port with all attributes that every service can have.
func port() *sdp.Record {
	r := sdp.NewSerialPort("Serial Port", 1)
	classes(r, portUUID, sdp.SerialPort)
	const home = "https://example.com/"
	r.Set(sdp.AttributeServiceRecordState, sdp.Uint32(0x1234))
	r.Set(sdp.AttributeServiceID, sdp.UUIDElement(sdp.SerialPort))
	r.Set(sdp.AttributeServiceInfoTimeToLive, sdp.Uint32(0xffff))
	r.Set(sdp.AttributeServiceAvailability, sdp.Uint8(0xff))
	r.Set(sdp.AttributeDocumentationURL, sdp.URL(home+"manual"))
	r.Set(sdp.AttributeClientExecutableURL, sdp.URL(home+"program"))
	r.Set(sdp.AttributeIconURL, sdp.URL(home+"icon.png"))
	r.Set(sdp.AttributeServiceDescription, sdp.Text("COM Port"))
	r.Set(sdp.AttributeProviderName, sdp.Text("example"))
	return r
}

func push() *sdp.Record {
	r := sdp.NewObjectPush("OBEX Object Push", 9)
	classes(r, pushUUID, sdp.ObjectPush)
	return r
}

// keyboard returns a record with an additional protocol list.
func keyboard() *sdp.Record {
	stack := func(psm uint16) sdp.DataElement {
		return sdp.Sequence(
			sdp.Sequence(sdp.UUIDElement(sdp.ProtocolL2CAP), sdp.Uint16(psm)),
			sdp.Sequence(sdp.UUIDElement(sdp.UUID16(hidp))))
	}
	r := new(sdp.Record)
	classes(r, keyboardUUID, sdp.UUID16(0x1124))
	r.Set(sdp.AttributeProtocolDescriptorList, stack(hidp))
	r.Set(sdp.AttributeAdditionalProtocolDescriptorLists, sdp.Sequence(stack(hidpPSM)))
	r.Set(sdp.AttributeServiceName, sdp.Text("Keyboard"))
	return r
}
