// Package sdp finds the services of Bluetooth devices by UUID, and publishes
// services, with the Service Discovery Protocol (SDP).
//
// A program knows a service by its UUID, such as [SerialPort]. The RFCOMM
// channel of the service differs between devices, and phones choose another one
// each time. [Dial] searches for the UUID and connects to the channel:
//
//	device, err := rfcomm.ParseBDAddr("01:23:45:67:89:AB")
//	…
//	conn, err := sdp.Dial(ctx, device, sdp.SerialPort)
//
// The search needs no daemon, no privilege and no pairing. [Dialer] has options.
// [Search] returns records without dialing, and a [Client] sends single requests
// on any connection that preserves packets.
//
// A [Server] publishes records on a machine without bluetoothd, so that other
// devices find its services:
//
//	server := new(sdp.Server)
//	handle, err := server.Add(sdp.NewSerialPort("Thermometer", 3))
//	…
//	listener, err := sdp.Listen(rfcomm.BDAddr{})
//	…
//	err = server.Serve(listener)
//
// # Records
//
// A [Record] describes one service. It consists of attributes: numbers with
// values. This is the record of a serial port, as [Record.String] returns it:
//
//	ServiceRecordHandle: uint32 0x00010005
//	ServiceClassIDList: (Serial Port)
//	ProtocolDescriptorList: ((L2CAP), (RFCOMM, uint8 3))
//	BrowseGroupList: (Public Browse Root)
//	LanguageBaseAttributeIDList: (uint16 0x656e, uint16 0x006a, uint16 0x0100)
//	BluetoothProfileDescriptorList: ((Serial Port, uint16 0x0102))
//	ServiceName: "Thermometer"
//
// The attributes are:
//
//   - the handle, which identifies the record on its server; see
//     [Record.Handle]
//   - the service classes, the most specific first: the UUIDs by which programs
//     search for the service. A service of your own has a UUID that you generate,
//     of 128 bits. See [Record.Classes]
//   - the protocols from the bottom up with their parameters. That of RFCOMM is
//     the channel; see [Record.Channel]
//   - the browse groups. Services in the public browse root are found by programs
//     that list all services of a device. Simple devices omit this attribute
//   - the languages of the texts: "en" as a number, the number of the character
//     set (106 is UTF-8), and the attribute that holds the name in this language
//   - the profiles to which the service conforms, with their versions: 0x0102 is
//     1.2. See [Record.Profiles]
//   - the name; see [Record.Name]
//
// Other attributes have meanings that depend on the service class. [Record.Get]
// returns any of them, and [Record.Set] changes a record, such as one that
// [NewService], [NewSerialPort], [NewObjectPush] or [NewFileTransfer] returns.
//
// # Data elements
//
// The value of an attribute is a [DataElement]. It has one of nine types: nil,
// unsigned and signed integers of 8 to 128 bits, UUIDs of 16, 32 and 128 bits,
// text, boolean, URL, sequence, and alternative, which is a list of elements of
// which the reader picks one. For each type there is a function that returns an
// element, and a method that returns the value and whether the element has that
// type:
//
//	record.Set(sdp.AttributeServiceAvailability, sdp.Uint8(0xff))
//	…
//	if e, ok := record.Get(sdp.AttributeServiceAvailability); ok {
//		availability, ok := e.Uint()
//		…
//	}
//
// Get returns the zero element for a missing attribute, and the methods of the
// zero element report false. [DataElement.Elements] of an element that is not a
// list is empty. A chain of calls therefore needs one check, at its end.
//
// # Forms of a record
//
// Records have a binary form ([Record.MarshalBinary], [ParseRecord]), an XML
// form that bluetoothd takes and sdptool prints ([Record.XML],
// [ParseRecordXML]), a JSON form, and a text form that cannot be parsed
// ([Record.String]). The first three hold equal records.
//
// # Data from other devices
//
// Parsed records contain arbitrary bytes of other devices. Elements are nested
// at most [MaxDepth] deep and have at most [MaxSize] bytes. [DataElement.Text]
// returns the bytes as they were sent, and [Record.Name] returns valid UTF-8, but
// both can contain terminal escape sequences. The String methods and the errors
// of this package escape them. %q of package fmt escapes a name.
//
// # Platforms
//
// Records, Client and Server work on all platforms. [Dial], [Search], [Connect]
// and [Listen] need Linux; on other platforms they fail with an error that
// matches [errors.ErrUnsupported].
package sdp
