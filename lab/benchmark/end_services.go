//go:build linux

package main

import (
	"context"
	"fmt"
	"net"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// serviceUUID returns the UUID of the service on a channel, as in services.py.
func serviceUUID(channel int) sdp.UUID {
	return sdp.UUID{0: 0xb1, 6: 0x10, 8: 0x80, 15: byte(channel)}
}

// offer serves records of the service Serial Port.
func offer(_ stack, j endJob) error {
	var server sdp.Server
	for number := range int(j.count) {
		if _, err := server.Add(sdp.NewSerialPort(fmt.Sprintf("Service %d", number), 1+number%30)); err != nil {
			return err
		}
	}
	l, err := sdp.Listen(j.far)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	return server.Serve(mtuListener{l, j.size})
}

// An mtuListener accepts connections whose packets have at most mtu bytes.
type mtuListener struct {
	net.Listener
	mtu int
}

func (l mtuListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return mtuConn{c, l.mtu}, err
}

type mtuConn struct {
	net.Conn
	mtu int
}

// MTUs returns the limit of the benchmark instead of the peer's.
func (c mtuConn) MTUs() (outgoing, incoming int) { return c.mtu, 672 }

// search ends its connections before it is killed: if both ends close one at the
// same time, the kernel may refuse the next one for 40 s (its identifier is in
// use: the end that closes last waits for an answer in vain).
func search(_ stack, j endJob) error {
	for range j.step {
		records, err := sdp.Search(context.Background(), j.far, sdp.SerialPort)
		if err != nil {
			return err
		}
		if int64(len(records)) != j.count {
			return fmt.Errorf("found %d services, want %d", len(records), j.count)
		}
		fmt.Println("1 searches")
	}
	waitForKill(nil)
	return nil
}

// dialService keeps its connections open, so that closing them is not measured.
func dialService(_ stack, j endJob) error {
	connections := counter{unit: "connections", step: j.step}
	var kept []*rfcomm.Conn
	for number := range int(j.count) {
		c, err := sdp.Dial(context.Background(), j.far, serviceUUID(j.channel+number))
		if err != nil {
			return err
		}
		kept = append(kept, c)
		connections.add(1)
	}
	waitForKill(kept)
	return nil
}
