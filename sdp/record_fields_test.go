package sdp

import (
	"fmt"
	"slices"
	"testing"
)

// layer returns a protocol and its parameters in a protocol descriptor list.
func layer(protocol UUID, parameters ...DataElement) DataElement {
	return Sequence(append([]DataElement{UUIDElement(protocol)}, parameters...)...)
}

func TestRecordChannel(t *testing.T) {
	l2cap := layer(ProtocolL2CAP)
	long := Sequence(fixed(TypeUUID, ProtocolRFCOMM[:]), Uint8(5))
	for _, tt := range []struct {
		name    string
		list    DataElement
		channel int
		ok      bool
	}{
		{"usual", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(5))), 5, true},
		{"first channel", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(1))), 1, true},
		{"last channel", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(30))), 30, true},
		{"128-bit UUID", Sequence(l2cap, long), 5, true},
		{"16 bits", Sequence(l2cap, layer(ProtocolRFCOMM, Uint16(5))), 5, true},
		{"32 bits", Sequence(l2cap, layer(ProtocolRFCOMM, Uint32(5))), 5, true},
		{"RFCOMM alone", Sequence(layer(ProtocolRFCOMM, Uint8(5))), 5, true},
		{"more layers", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(5)), layer(ProtocolOBEX)), 5, true},
		{"more parameters", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(5), Uint16(9))), 5, true},
		{"alternative", Alternative(Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(5))), Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(6)))), 5, true},
		{"second stack", Alternative(Sequence(layer(ProtocolL2CAP, Uint16(0x1001))), Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(6)))), 6, true},
		{"bad first stack", Alternative(Uint8(1), Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(31))), Sequence(layer(ProtocolRFCOMM, Uint8(6)))), 6, true},
		{"channel 0", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(0))), 0, false},
		{"channel 31", Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(31))), 0, false},
		{"channel 257", Sequence(l2cap, layer(ProtocolRFCOMM, Uint16(257))), 0, false},
		{"huge channel", Sequence(l2cap, layer(ProtocolRFCOMM, Uint64(1<<63+1))), 0, false},
		{"signed", Sequence(l2cap, layer(ProtocolRFCOMM, Int8(5))), 0, false},
		{"no channel", Sequence(l2cap, layer(ProtocolRFCOMM)), 0, false},
		{"UUID is not first", Sequence(l2cap, Sequence(Uint8(5), UUIDElement(ProtocolRFCOMM), Uint8(5))), 0, false},
		{"no RFCOMM", Sequence(l2cap, layer(ProtocolBNEP, Uint8(5))), 0, false},
		{"not nested", Sequence(UUIDElement(ProtocolRFCOMM), Uint8(5)), 0, false},
		{"empty", Sequence(), 0, false},
		{"not a list", Uint8(5), 0, false},
		{"nil", DataElement{}, 0, false},
	} {
		r := recordWith(AttributeProtocolDescriptorList, tt.list)
		// Neither of these holds the channel.
		r.Set(AttributeAdditionalProtocolDescriptorLists, Sequence(Sequence(l2cap, layer(ProtocolRFCOMM, Uint8(9)))))
		r.Set(AttributeGOEPL2CAPPSM, Uint16(11))
		if channel, ok := r.Channel(); channel != tt.channel || ok != tt.ok {
			t.Errorf("%s: got %d, %t, want %d, %t", tt.name, channel, ok, tt.channel, tt.ok)
		}
	}
	if channel, ok := new(Record).Channel(); ok {
		t.Errorf("an empty record has channel %d", channel)
	}
}

func TestRecordPSM(t *testing.T) {
	rfcomm := layer(ProtocolRFCOMM, Uint8(9))
	obex := Sequence(layer(ProtocolL2CAP), rfcomm, layer(ProtocolOBEX))
	hid := Sequence(layer(ProtocolL2CAP, Uint16(0x11)), layer(ProtocolHIDP))
	for _, tt := range []struct {
		name      string
		list      DataElement
		attribute DataElement // 0200
		psm       uint16
		ok        bool
	}{
		{"OBEX on L2CAP", obex, Uint16(0x1009), 0x1009, true},
		{"OBEX on RFCOMM alone", obex, DataElement{}, 0, false},
		{"even PSM", obex, Uint16(0x1008), 0, false},
		{"odd upper byte", obex, Uint16(0x1109), 0, false},
		{"PSM of 32 bits", obex, Uint32(0x10009), 0, false},
		{"HID", hid, Uint16(0x0111), 0x11, true},
		{"HID with another number in 0200", hid, Uint16(0x1009), 0x11, true},
		{"serial port", Sequence(layer(ProtocolL2CAP), rfcomm), Uint16(0x1009), 0, false},
		{"second stack", Alternative(Sequence(layer(ProtocolL2CAP), rfcomm), hid), DataElement{}, 0x11, true},
		{"PnP", DataElement{}, Uint16(0x0103), 0, false},
	} {
		r := recordWith(AttributeProtocolDescriptorList, tt.list)
		r.Set(AttributeGOEPL2CAPPSM, tt.attribute)
		if psm, ok := r.PSM(); psm != tt.psm || ok != tt.ok {
			t.Errorf("%s: got %#x, %t, want %#x, %t", tt.name, psm, ok, tt.psm, tt.ok)
		}
	}
}

func TestRecordHandle(t *testing.T) {
	for value, want := range map[DataElement]string{
		Uint32(0x10005):       "10005 true",
		Uint32(0):             "0 true",
		Uint16(5):             "0 false",
		Uint64(1<<32 + 5):     "0 false",
		Int32(5):              "0 false",
		DataElement{}:         "0 false",
		Sequence(Uint32(0x1)): "0 false",
	} {
		handle, ok := recordWith(AttributeServiceRecordHandle, value).Handle()
		if got := fmt.Sprintf("%x %t", handle, ok); got != want {
			t.Errorf("%v: got %s, want %s", value, got, want)
		}
	}
}

func TestRecordClassesProfiles(t *testing.T) {
	vendor := UUID{1, 2, 3}
	r := recordWith(AttributeServiceClassIDList, Sequence(UUIDElement(vendor), Uint8(1), fixed(TypeUUID, SerialPort[:])))
	if got := r.Classes(); !slices.Equal(got, []UUID{vendor, SerialPort}) {
		t.Errorf("the classes are %v", got)
	}
	r.Set(AttributeBluetoothProfileDescriptorList, Sequence(
		Sequence(UUIDElement(SerialPort), Uint16(0x0102)),
		Sequence(UUIDElement(vendor)),
		Sequence(Uint8(1), Uint16(1)),
		Sequence(UUIDElement(vendor), Uint32(0x10000)),
		Sequence(UUIDElement(vendor), Text(""), Uint16(1)),
		UUIDElement(FileTransfer), Uint16(0x0103), Uint16(0x0104),
		UUIDElement(vendor),
		Sequence(fixed(TypeUUID, ObjectPush[:]), Uint16(0x0100), Uint8(1)),
		Uint16(0x0105),
	))
	want := []Profile{{SerialPort, 0x0102}, {vendor, 0}, {vendor, 0}, {vendor, 0}, {FileTransfer, 0x0103}, {vendor, 0}, {ObjectPush, 0x0100}}
	if got := r.Profiles(); !slices.Equal(got, want) {
		t.Errorf("the profiles are %v", got)
	}
	if got := new(Record); got.Classes() != nil || got.Profiles() != nil {
		t.Errorf("an empty record has %v, %v", got.Classes(), got.Profiles())
	}
}

func TestRecordContains(t *testing.T) {
	r := NewObjectPush("", 9)
	r.Set(0x0300, Alternative(Sequence(Sequence(fixed(TypeUUID, FileTransfer[:])))))
	for _, u := range []UUID{ObjectPush, ProtocolL2CAP, ProtocolRFCOMM, ProtocolOBEX, PublicBrowseRoot, FileTransfer} {
		if !r.Contains(u) {
			t.Errorf("the record does not contain %v", u.Name())
		}
	}
	for _, u := range []UUID{SerialPort, {}, UUID16(9), UUID16(0x656e)} {
		if r.Contains(u) {
			t.Errorf("the record contains %v", u)
		}
	}
}

func TestNewServiceRecords(t *testing.T) {
	vendor := UUID{1, 2, 3}
	for _, tt := range []struct {
		record   *Record
		classes  []UUID
		profiles []Profile
		obex     bool
	}{
		{NewSerialPort("näme", 7), []UUID{SerialPort}, []Profile{{SerialPort, 0x0102}}, false},
		{NewObjectPush("näme", 7), []UUID{ObjectPush}, []Profile{{ObjectPush, 0x0100}}, true},
		{NewFileTransfer("näme", 7), []UUID{FileTransfer}, []Profile{{FileTransfer, 0x0100}}, true},
		{NewService(vendor, "näme", 7), []UUID{vendor}, nil, false},
		{NewService(vendor, "näme", 7, ProtocolOBEX), []UUID{vendor}, nil, true},
	} {
		r := tt.record
		channel, _ := r.Channel()
		_, hasHandle := r.Handle()
		if channel != 7 || r.Name() != "näme" || hasHandle || !r.Contains(PublicBrowseRoot) || r.Contains(ProtocolOBEX) != tt.obex {
			t.Errorf("got\n%v", r)
		}
		if !slices.Equal(r.Classes(), tt.classes) || !slices.Equal(r.Profiles(), tt.profiles) {
			t.Errorf("got\n%v", r)
		}
	}
}

func TestNewServiceChecksChannel(t *testing.T) {
	for _, channel := range []int{-1, 0, 31, 256 + 3, 1 << 30} {
		func() {
			defer func() {
				if text, want := fmt.Sprint(recover()), fmt.Sprintf("sdp: no such channel %d; RFCOMM has channels 1 to 30", channel); text != want {
					t.Errorf("got %q, want %q", text, want)
				}
			}()
			NewService(SerialPort, "", channel)
		}()
	}
}
