// Gps prints the positions that a GPS receiver sends over Bluetooth.
//
//	gps BDADDR
//
// With -link, it makes the receiver a serial device instead, for gpsd and other
// programs that open a path. When the receiver was out of range, it connects again.
//
//	gps -link PATH BDADDR
//
// To use a receiver with Wi-Fi, or to try the program without Bluetooth:
//
//	gps [-link PATH] -connect host:port
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
	"github.com/go-rfcomm/rfcomm/serial"
)

var (
	link       = flag.String("link", "", "")
	connectTCP = flag.String("connect", "", "")
	receiver   rfcomm.BDAddr
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: gps [-link PATH] BDADDR | gps [-link PATH] -connect host:port")
	}
	flag.Parse()
	err := receiver.UnmarshalText([]byte(flag.Arg(0)))
	if flag.NArg() > 1 || (*connectTCP == "") != (err == nil) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *link != "" {
		err = offer(ctx)
	} else {
		err = printPositions(ctx)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "gps:", err)
		os.Exit(1)
	}
}

// connect dials the receiver.
func connect(ctx context.Context) (net.Conn, error) {
	if *connectTCP != "" {
		return new(net.Dialer).DialContext(ctx, "tcp", *connectTCP)
	}
	// Some receivers do not list their service. It is on channel 1.
	dialer := sdp.Dialer{RFCOMM: rfcomm.Dialer{Timeout: 30 * time.Second}, FallbackChannel: 1}
	conn, err := dialer.Dial(ctx, receiver, sdp.SerialPort)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// offer makes the receiver a serial device until ctx ends.
func offer(ctx context.Context) error {
	device, err := serial.Open(ctx, &serial.DeviceOptions{Connect: connect, Link: *link, Keep: true, Report: report})
	if err != nil {
		return err
	}
	fmt.Printf("Enter: gpsd -N %s\n", device.Name())
	<-ctx.Done()
	return device.Close()
}

// report prints that the receiver is out of reach, or connected again.
func report(e serial.Event) {
	switch e.State {
	case serial.StateConnected:
		fmt.Println("Connected")
	case serial.StateRetrying:
		fmt.Printf("Not connected (%v), next attempt in %v\n", e.Err, e.Delay.Round(time.Second/10))
	}
}
