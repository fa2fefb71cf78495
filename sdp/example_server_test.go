package sdp_test

import (
	"fmt"
	"log"
	"net"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A board without BlueZ publishes a thermometer as a serial port, so that phones
// and computers find its channel. The program needs the capability
// CAP_NET_BIND_SERVICE, and devices can connect only to an adapter that is
// powered on and whose PageScan is on.
func ExampleServer() {
	port, err := rfcomm.Listen(0) // the first free channel
	if err != nil {
		log.Fatal(err)
	}
	channel := port.Addr().(rfcomm.Addr).Channel

	var server sdp.Server
	if _, err := server.Add(sdp.NewSerialPort("Thermometer", channel)); err != nil {
		log.Fatal(err)
	}
	listener, err := sdp.Listen(rfcomm.BDAddr{}) // on all adapters
	if err != nil {
		log.Fatal(err) // bluetoothd runs, or the capability is missing
	}
	go func() { log.Fatal(server.Serve(listener)) }()

	for {
		conn, err := port.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func(conn net.Conn) {
			defer conn.Close()
			fmt.Fprintln(conn, "21.5 °C")
		}(conn)
	}
}

// A service of a vendor has a UUID of its own, and is a serial port for programs
// that know no other service.
func ExampleServer_Add() {
	thermometer, err := sdp.ParseUUID("b7a1c3d2-6a52-4f0e-9a57-2f6f6b1f8a10")
	if err != nil {
		log.Fatal(err)
	}
	record := sdp.NewService(thermometer, "Thermometer", 5)
	record.Set(sdp.AttributeServiceClassIDList,
		sdp.Sequence(sdp.UUIDElement(thermometer), sdp.UUIDElement(sdp.SerialPort)))
	record.Set(sdp.AttributeServiceDescription, sdp.Text("Degrees Celsius, one line a second"))

	var server sdp.Server
	handle, err := server.Add(record)
	fmt.Printf("0x%08x %v\n", handle, err)
	_, err = server.Add(new(sdp.Record))
	fmt.Println(err)
	// Output:
	// 0x00010000 <nil>
	// sdp: the record has no service class: set ServiceClassIDList to a sequence of at least one UUID
}
