package sdp_test

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// A record describes a service and the RFCOMM channel on which it listens.
func ExampleNewSerialPort() {
	record := sdp.NewSerialPort("Thermometer", 3)
	fmt.Print(record)
	// Output:
	// ServiceClassIDList: (Serial Port)
	// ProtocolDescriptorList: ((L2CAP), (RFCOMM, uint8 3))
	// BrowseGroupList: (Public Browse Root)
	// LanguageBaseAttributeIDList: (uint16 0x656e, uint16 0x006a, uint16 0x0100)
	// BluetoothProfileDescriptorList: ((Serial Port, uint16 0x0102))
	// ServiceName: "Thermometer"
}

// A service of your own has a UUID that you generate. Programs that search for a
// serial port find it as well if that is its second class.
func ExampleNewService() {
	thermometer, err := sdp.ParseUUID("61a3512c-09be-4ddc-a6a6-0b03667aafc6")
	if err != nil {
		log.Fatal(err)
	}
	record := sdp.NewService(thermometer, "Thermometer", 3)
	record.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(
		sdp.UUIDElement(thermometer),
		sdp.UUIDElement(sdp.SerialPort),
	))
	for _, class := range record.Classes() {
		fmt.Printf("%v %q\n", class, class.Name())
	}
	// Output:
	// 61a3512c-09be-4ddc-a6a6-0b03667aafc6 ""
	// 00001101-0000-1000-8000-00805f9b34fb "Serial Port"
}

func ExampleParseUUID() {
	for _, s := range []string{"spp", "serial port", "1101", "0x1101", "00001101-0000-1000-8000-00805F9B34FB"} {
		u, err := sdp.ParseUUID(s)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(u == sdp.SerialPort)
	}
	// Output:
	// true
	// true
	// true
	// true
	// true
}

// The formats that an Object Push server accepts are in an attribute without a
// method of its own: a sequence of numbers.
func ExampleRecord_Get() {
	record := sdp.NewObjectPush("Inbox", 9)
	record.Set(sdp.AttributeSupportedFormatsList, sdp.Sequence(sdp.Uint8(1), sdp.Uint8(2)))

	formats, _ := record.Get(sdp.AttributeSupportedFormatsList)
	for _, e := range formats.Elements() {
		if format, ok := e.Uint(); ok && format == 2 {
			fmt.Println("accepts vCard 3.0")
		}
	}
	// Output:
	// accepts vCard 3.0
}

// bluetoothd registers a service with its record in XML.
func ExampleRecord_XML() {
	record := new(sdp.Record)
	record.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(sdp.UUIDElement(sdp.SerialPort)))
	record.Set(sdp.AttributeServiceName, sdp.Text("R&D"))
	fmt.Print(record.XML())
	// Output:
	// <?xml version="1.0" encoding="UTF-8" ?>
	//
	// <record>
	// 	<attribute id="0x0001">
	// 		<sequence>
	// 			<uuid value="0x1101" />
	// 		</sequence>
	// 	</attribute>
	// 	<attribute id="0x0100">
	// 		<text value="R&amp;D" />
	// 	</attribute>
	// </record>
}

func ExampleRecord_MarshalJSON() {
	record := new(sdp.Record)
	record.Set(sdp.AttributeServiceClassIDList, sdp.Sequence(sdp.UUIDElement(sdp.SerialPort)))
	record.Set(sdp.AttributeServiceName, sdp.Text("Thermometer"))
	b, err := json.Marshal(record)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", b)
	// Output:
	// {"0x0001":{"sequence":[{"uuid":"0x1101"}]},"0x0100":{"text":"Thermometer"}}
}

// This is the attribute list of a simple adapter, as it was received.
func ExampleParseRecord() {
	record, err := sdp.ParseRecord([]byte("\x35\x24" +
		"\x09\x00\x01\x35\x03\x19\x11\x01" +
		"\x09\x00\x04\x35\x0c\x35\x03\x19\x01\x00\x35\x05\x19\x00\x03\x08\x01" +
		"\x09\x01\x00\x25\x06Dev B\x00"))
	if err != nil {
		log.Fatal(err)
	}
	channel, ok := record.Channel()
	fmt.Printf("%q on channel %d, %t\n", record.Name(), channel, ok)
	// Output:
	// "Dev B" on channel 1, true
}
