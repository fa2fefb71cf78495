package sdp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// The device's channel does not have to be known.
func ExampleDial() {
	device, err := rfcomm.ParseBDAddr("01:23:45:67:89:AB")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := sdp.Dial(ctx, device, sdp.SerialPort)
	if notFound, ok := errors.AsType[*sdp.NotFoundError](err); ok {
		for _, record := range notFound.Offered {
			fmt.Printf("the device offers %q\n", record.Name())
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", answer)
}

// The device has several serial ports, one of which has a certain name. If it
// lists none, as some simple adapters do, the dial uses channel 1.
func ExampleDialer() {
	dialer := &sdp.Dialer{
		RFCOMM: rfcomm.Dialer{Timeout: 20 * time.Second, Security: rfcomm.SecurityMedium},
		Select: func(records []*sdp.Record) *sdp.Record {
			for _, record := range records {
				if record.Name() == "Console" {
					return record
				}
			}
			return nil
		},
		FallbackChannel: 1,
	}
	conn, err := dialer.Dial(context.Background(), rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xab}, sdp.SerialPort)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
}

// Names from a device can contain terminal escape sequences, which %q escapes.
func ExampleSearch() {
	device, err := rfcomm.ParseBDAddr("01:23:45:67:89:AB")
	if err != nil {
		log.Fatal(err)
	}
	records, err := sdp.Search(context.Background(), device)
	if err != nil {
		log.Fatal(err)
	}
	for _, record := range records {
		fmt.Printf("%q", record.Name())
		for _, class := range record.Classes() {
			fmt.Printf(" %v %s", class, class.Name())
		}
		if channel, ok := record.Channel(); ok {
			fmt.Printf(" on channel %d", channel)
		}
		fmt.Println()
	}
}
