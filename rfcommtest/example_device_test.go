package rfcommtest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// This example tests a client of the Service Discovery Protocol with a server
// that ends the connection instead of answering. It runs on every platform,
// because the radio has no controllers of the kernel.
func ExampleRadio_NewDevice() {
	radio, err := rfcommtest.NewRadio(rfcommtest.Config{Controllers: -1})
	if err != nil {
		log.Fatal(err)
	}
	defer radio.Close()
	printer := radio.NewDevice(rfcommtest.ControllerConfig{Name: "printer"})
	phone := radio.NewDevice(rfcommtest.ControllerConfig{Name: "phone"})

	const sdp = 1
	listener, err := printer.ListenL2CAP(sdp)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		request := make([]byte, 1000)
		n, _ := conn.Read(request)
		fmt.Printf("request: % x\n", request[:n])
		conn.Close()
	}()

	conn, err := phone.DialL2CAP(context.Background(), printer.Addr(), sdp)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte{0x02, 0, 1, 0, 0})
	_, err = conn.Read(make([]byte, 1000))
	fmt.Println("response:", err)
	// Output:
	// request: 02 00 01 00 00
	// response: EOF
}
