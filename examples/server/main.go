// Server offers the files of a directory over Bluetooth, to one client at a time.
// It asks each client for the name of a file and sends that file, as the server of
// the PyBluez tutorial does. The example client is its counterpart.
//
//	server [-channel 20] [-adapter hci0] [-dir .]
//
// Ctrl-C ends the server after the current transfer, and a second Ctrl-C at once.
// The command "rfcommctl serve" also accepts files, and can require encryption.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

var (
	address rfcomm.Addr // the Device is zero for all adapters
	dir     = flag.String("dir", ".", "")
)

func main() {
	flag.IntVar(&address.Channel, "channel", 20, "")
	flag.Func("adapter", "", func(name string) error {
		adapter, err := rfcomm.AdapterByName(name)
		if err == nil {
			address.Device = adapter.Addr
		}
		return err
	})
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: server [-channel 20] [-adapter hci0] [-dir .]")
	}
	flag.Parse()
	if flag.NArg() > 0 || address.Channel < 1 || address.Channel > 30 {
		flag.Usage()
		os.Exit(2)
	}
	log.SetFlags(0)
	log.SetPrefix("server: ")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the program
	if err := serve(ctx); err != nil {
		log.Fatal(err)
	}
}

// serve serves clients until ctx ends, and finishes the current transfer.
func serve(ctx context.Context) error {
	root, err := os.OpenRoot(*dir) // no name and no symbolic link leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	listener, err := listen(ctx)
	if err != nil {
		return err
	}
	server := &filetransfer.Server{FS: root.FS()} // logs clients and files on standard error
	finished := make(chan error, 1)
	context.AfterFunc(ctx, func() { finished <- server.Shutdown(context.Background()) })
	if err := server.Serve(listener); !errors.Is(err, filetransfer.ErrServerClosed) {
		return err
	}
	return <-finished
}

// listen returns the listener, and prints how to connect to it.
func listen(ctx context.Context) (net.Listener, error) {
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(ctx, address)
	if err != nil {
		return nil, err
	}
	fmt.Println("Listening on", listener.Addr())
	adapters, err := rfcomm.Adapters()
	for _, adapter := range adapters {
		if adapter.Up && (address.Device.IsZero() || address.Device == adapter.Addr) {
			fmt.Printf("To connect:  client -channel %d %s\n", address.Channel, adapter.Addr)
		}
	}
	return listener, err
}
