// Spp is a server that a serial terminal app on an Android phone finds. The user
// types a line, and the server answers: the time, the load of the machine, or
// the words that it knows.
//
//	spp [-name "Serial Port"] [-anyone]
//
// It serves phones that are paired (see the example pair) or, with -anyone, all
// in range. To try it over TCP, without Bluetooth:
//
//	spp -listen host:port
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

const usage = "usage: spp [-name \"Serial Port\"] [-anyone] | spp -listen host:port\n"

var (
	name      = flag.String("name", "Serial Port", "")
	anyone    = flag.Bool("anyone", false, "")
	listenTCP = flag.String("listen", "", "")
)

func main() {
	flag.Usage = func() { fmt.Fprint(flag.CommandLine.Output(), usage) }
	flag.Parse()
	if flag.NArg() > 0 || *listenTCP != "" && *anyone {
		flag.Usage()
		os.Exit(2)
	}
	log.SetFlags(0)
	log.SetPrefix("spp: ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// serve serves phones until ctx ends.
func serve(ctx context.Context) error {
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	defer listener.Close()
	context.AfterFunc(ctx, func() { listener.Close() }) // which ends Accept
	fmt.Println("Listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go talk(ctx, conn)
	}
}

// listen publishes a serial port, and listens for its connections.
func listen(ctx context.Context) (net.Listener, error) {
	if *listenTCP != "" {
		return net.Listen("tcp", *listenTCP)
	}
	return bluez.Listen(ctx, &bluez.ListenOptions{
		Name:     *name,
		Security: rfcomm.SecurityMedium, // encrypted
		Report:   report,
	})
}

// report prints that phones can no longer find the server, or can again.
func report(err error) {
	if err != nil {
		log.Print(err)
		return
	}
	log.Print("phones find the server again")
}
