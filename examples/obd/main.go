// Obd prints the speed of a car's engine. It asks an ELM327, an adapter that is
// plugged into the car's diagnostic socket (OBD-II).
//
//	obd [-n 1] [BDADDR]            ask N times; without BDADDR, the first adapter in range
//	obd [-n 1] -connect host:port  ask an adapter with Wi-Fi
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"regexp"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/sdp"
)

var count, connectTCP = flag.Int("n", 1, ""), flag.String("connect", "", "")

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: obd [-n 1] [BDADDR | -connect host:port]")
	}
	flag.Parse()
	if flag.NArg() > 1 || flag.NArg() == 1 && *connectTCP != "" || *count < 1 {
		flag.Usage()
		os.Exit(2)
	}
	conn, err := connect(context.Background(), flag.Arg(0))
	if err == nil {
		err = printSpeed(conn)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "obd:", err)
		if _, malformed := errors.AsType[*net.AddrError](err); malformed {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// connect dials the adapter with this address, or the first in range.
func connect(ctx context.Context, address string) (net.Conn, error) {
	if *connectTCP != "" {
		return net.DialTimeout("tcp", *connectTCP, 30*time.Second)
	}
	device, err := rfcomm.ParseBDAddr(address)
	if address == "" {
		device, err = find(ctx)
	}
	if err != nil {
		return nil, err
	}
	// Some adapters do not list their service. It is on channel 1.
	dialer := sdp.Dialer{RFCOMM: rfcomm.Dialer{Timeout: 30 * time.Second}, FallbackChannel: 1}
	conn, err := dialer.Dial(ctx, device, sdp.SerialPort)
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%w\nTo pair it, enter \"pair %s\" in bluetoothctl; the PIN is often 1234 or 0000", err, device)
	}
	return nil, err
}

// find returns the first device in range with the name of an adapter.
func find(ctx context.Context) (rfcomm.BDAddr, error) {
	names := regexp.MustCompile(`(?i)obd|elm ?327|v-?link`)
	for device, err := range inquiry.Devices(ctx, nil) {
		if err != nil || names.MatchString(device.Name) {
			return device.Addr, err
		}
	}
	return rfcomm.BDAddr{}, errors.New("no adapter is in range: plug it in, or give its address")
}
