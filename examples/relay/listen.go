package main

import (
	"context"
	"errors"
	"log"
	"net"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

// listen publishes a serial port, and listens for its connections.
func listen(ctx context.Context) (net.Listener, error) {
	if *listenTCP != "" {
		return net.Listen("tcp", *listenTCP)
	}
	listener, err := bluez.Listen(ctx, &bluez.ListenOptions{
		Name:     *name,
		Security: rfcomm.SecurityMedium, // encrypted
		Report:   reportService,
	})
	if err != nil {
		return nil, err
	}
	return pairedOnly{listener, ctx}, nil
}

// reportService prints that others can no longer find the service, or can again.
func reportService(err error) {
	if err != nil {
		log.Print(err)
	} else {
		log.Print("others find the service again")
	}
}

// A pairedOnly is a listener that accepts paired devices only. The security of a
// listener does not keep strangers out: a phone that dials without security is
// paired for the time of the connection, without a question if this machine has no
// display.
type pairedOnly struct {
	net.Listener
	ctx context.Context
}

// Accept returns the next connection of a paired device.
func (l pairedOnly) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if err = admit(l.ctx, conn); err == nil {
			return conn, nil
		}
		log.Printf("%v is refused: %v", conn.RemoteAddr(), err)
		conn.Close()
	}
}

// admit returns an error if the device at the other end is not paired.
func admit(ctx context.Context, conn net.Conn) error {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	adapter, err := client.Adapter(ctx, conn.LocalAddr().(rfcomm.Addr).Device)
	if err != nil {
		return err
	}
	device, err := adapter.Device(ctx, conn.RemoteAddr().(rfcomm.Addr).Device)
	if err != nil {
		return err
	}
	properties, err := device.Properties(ctx)
	if err == nil && !properties.Bonded {
		err = errors.New("it is not paired")
	}
	return err
}
