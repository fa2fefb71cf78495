package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// reachWithin is the maximum time in which two adapters must reach each other.
const reachWithin = 5 * time.Second

// A connection is a way from the client to the server.
type connection struct {
	listener    net.Listener
	dial        func(context.Context) (net.Conn, error)
	description string
}

// choose returns a connection over Bluetooth. If that fails, it returns one
// through memory, whose description has the reason.
func choose(ctx context.Context) (*connection, error) {
	c, err := overBluetooth(ctx)
	if err == nil || ctx.Err() != nil {
		return c, err
	}
	listener := listenInMemory()
	if opErr, ok := errors.AsType[*net.OpError](err); ok {
		err = opErr.Err // without the name of the operation
	}
	return &connection{listener, listener.Dial, fmt.Sprintf("in memory instead of Bluetooth:\n            %v", err)}, nil
}

// overBluetooth returns a connection from the first adapter that is up to the
// second one.
func overBluetooth(ctx context.Context) (*connection, error) {
	adapters, err := rfcomm.Adapters()
	if err != nil {
		return nil, err
	}
	var up []rfcomm.Adapter
	for _, a := range adapters {
		if a.Up {
			up = append(up, a)
		}
	}
	switch {
	case len(adapters) == 0:
		return nil, errors.New("this machine has no adapter")
	case len(up) == 0:
		return nil, errors.New("no adapter is up")
	case len(up) == 1:
		return nil, fmt.Errorf("only one adapter is up, %s, and the demo needs two", up[0].Name)
	}

	near, far := up[0], up[1]
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(ctx, rfcomm.Addr{Device: far.Addr}) // on a free channel
	if err != nil {
		return nil, err
	}
	address := listener.Addr().(rfcomm.Addr)
	dialer := &rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near.Addr}, Timeout: reachWithin}
	dial := func(ctx context.Context) (net.Conn, error) { return dialer.DialRFCOMM(ctx, address) }

	// The first dial shows whether the adapters reach each other.
	first, err := dial(ctx)
	if err != nil {
		listener.Close()
		return nil, err
	}
	return &connection{
		listener: listener,
		dial: func(ctx context.Context) (net.Conn, error) {
			if first != nil {
				conn := first
				first = nil
				return conn, nil
			}
			return dial(ctx)
		},
		description: fmt.Sprintf("RFCOMM channel %d, from %s (%s) to %s (%s)", address.Channel, near.Name, near.Addr, far.Name, far.Addr),
	}, nil
}
