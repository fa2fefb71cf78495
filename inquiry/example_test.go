package inquiry_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
)

func ExampleDevices() {
	for device, err := range inquiry.Devices(context.Background(), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(device)
	}
}

// A program looks for a device by its name and connects to it. The dial stops
// the inquiry first.
func ExampleDevices_dial() {
	opts := &inquiry.Options{Duration: 30 * time.Second}
	for device, err := range inquiry.Devices(context.Background(), opts) {
		if err != nil {
			log.Fatal(err)
		}
		if device.Name != "OBDII" {
			continue
		}
		conn, err := rfcomm.Dial(device.Addr.String(), 1)
		if err != nil {
			log.Print(err)
			continue
		}
		defer conn.Close()
		fmt.Println("connected to", device)
		return
	}
	log.Fatal("no OBDII in range")
}

func ExampleClass() {
	const phone inquiry.Class = 0x5a020c
	fmt.Println(phone.Major())
	fmt.Println(phone.Minor())
	fmt.Println(phone.Services())
	// Output:
	// Phone
	// Smartphone
	// [Networking Capturing Object transfer Telephony]
}

func ExampleDevice_String() {
	fmt.Println(inquiry.Device{
		Addr:  rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xab},
		Name:  "red \x1b[31m",
		Class: 0x001f00,
		RSSI:  -63,
	})
	// Output: 01:23:45:67:89:AB "red \x1b[31m" Uncategorized -63 dBm
}
