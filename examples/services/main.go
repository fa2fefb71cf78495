// Services lists the services that a Bluetooth device offers.
//
//	services BDADDR [SERVICE…]
//
// A SERVICE is a UUID or a name such as spp. If there are several, it lists the
// services to which all apply. The device need not be paired.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func main() {
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: services BDADDR [SERVICE…]") }
	flag.Parse()
	device, services, err := parse(flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := list(ctx, device, services); err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		os.Exit(1)
	}
}

// parse returns the device and the services that the words name.
func parse(words []string) (device rfcomm.BDAddr, services []sdp.UUID, err error) {
	if len(words) == 0 {
		return device, nil, errors.New("the address of the device is missing")
	}
	if device, err = rfcomm.ParseBDAddr(words[0]); err != nil {
		return device, nil, err
	}
	for _, word := range words[1:] {
		service, err := sdp.ParseUUID(word)
		if err != nil {
			return device, nil, err
		}
		services = append(services, service)
	}
	return device, services, nil
}

// list searches for the services and prints them.
func list(ctx context.Context, device rfcomm.BDAddr, services []sdp.UUID) error {
	records, err := sdp.Search(ctx, device, services...)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fmt.Errorf("%s offers no such service", device)
	}
	for _, record := range records {
		fmt.Printf("%q%s\n", record.Name(), place(record)) // the name can have control characters
		for _, class := range record.Classes() {
			fmt.Println("   ", class, class.Name())
		}
		for _, profile := range record.Profiles() {
			fmt.Printf("    profile %s %d.%d\n", profile.UUID.Name(), profile.Version>>8, profile.Version&0xff)
		}
	}
	return nil
}

// place returns where a program connects to the service.
func place(record *sdp.Record) string {
	if channel, ok := record.Channel(); ok {
		return fmt.Sprintf(", RFCOMM channel %d", channel)
	}
	if psm, ok := record.PSM(); ok {
		return fmt.Sprintf(", L2CAP PSM 0x%04x", psm)
	}
	return ""
}
