// Relay makes an instrument with a serial port a Bluetooth device: a small machine
// beside the instrument serves paired phones and computers, one at a time.
//
//	relay [-name Instrument] [-baud 9600] /dev/ttyUSB0
//
// The example pair lets a phone pair with the machine, and relay.service starts
// this program with it. To try it over TCP, without Bluetooth:
//
//	relay [-baud 9600] -listen host:port /dev/ttyUSB0
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-rfcomm/rfcomm/serial"
)

var (
	name      = flag.String("name", "Instrument", "")
	baud      = flag.Int("baud", 9600, "")
	listenTCP = flag.String("listen", "", "")
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: relay [-name Instrument] [-baud 9600] [-listen host:port] PORT")
	}
	flag.Parse()
	if flag.NArg() != 1 || *baud <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	log.SetFlags(0)
	log.SetPrefix("relay: ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, flag.Arg(0)); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// serve relays between the port and its clients until ctx ends.
func serve(ctx context.Context, port string) error {
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Println("Listening on", listener.Addr())
	relay := serial.Relay{
		Open: func(context.Context) (serial.Line, error) {
			return serial.OpenLine(port, &serial.LineOptions{Baud: *baud})
		},
		Keep:   true, // opens a port again that was unplugged
		Report: report,
	}
	return relay.Serve(ctx, listener)
}

// report prints the clients, and failures other than the last.
func report(e serial.Event) {
	switch {
	case e.State == serial.StateClosed || e.Remote == nil && e.Err == nil:
	case e.Err == nil || e.Err == io.EOF:
		fmt.Println(e.Remote, e.State)
	default:
		log.Printf("%v: %v", e.State, e.Err)
	}
}
