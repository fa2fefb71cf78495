package serial_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-rfcomm/rfcomm/serial"
)

// Wait until the device at a port is ready, which it shows by DSR.
func ExampleChanges() {
	port, err := serial.OpenLine("/dev/ttyUSB0", &serial.LineOptions{Baud: 115200})
	if err != nil {
		log.Fatal(err)
	}
	defer port.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for signals, err := range serial.Changes(ctx, port, 0) {
		if err != nil {
			log.Fatal(err)
		}
		if signals&serial.DSR != 0 {
			fmt.Println("the device is ready")
			return
		}
	}
	log.Fatal("the device is not ready after a minute")
}
