package bluez_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"os/signal"
	"syscall"

	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A server that an app for serial terminals finds. It repeats received data, and
// serves every device, paired or not.
func ExampleListen() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := bluez.Listen(ctx, &bluez.ListenOptions{
		Name: "Thermometer",
		Report: func(err error) {
			if err != nil {
				log.Print("devices cannot find the service: ", err)
			} else {
				log.Print("devices find the service again")
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			io.Copy(conn, conn)
		}()
	}
}

// A program that listens by itself, such as with options of rfcomm.ListenConfig,
// publishes its channel.
func ExamplePublish() {
	publication, err := bluez.Publish(context.Background(), sdp.NewSerialPort("Thermometer", 22), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer publication.Close()
}
