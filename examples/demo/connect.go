package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// A dialFunc returns a new connection to the server.
type dialFunc func(context.Context) (net.Conn, error)

// connect makes the server reachable over Bluetooth. If that fails, it does so
// through memory, and the description has the reason.
func connect(ctx context.Context, server *filetransfer.Server) (dial dialFunc, description string, err error) {
	dial, description, err = overBluetooth(ctx, server)
	if err == nil || ctx.Err() != nil {
		return dial, description, err
	}
	dial = func(ctx context.Context) (net.Conn, error) {
		here, there := net.Pipe()
		go server.ServeConn(ctx, there)
		return here, nil
	}
	return dial, fmt.Sprintf("in memory instead of Bluetooth:\n            %v", err), nil
}

// overBluetooth serves clients on the second adapter that is up. The returned
// function dials it from the first one.
func overBluetooth(ctx context.Context, server *filetransfer.Server) (dialFunc, string, error) {
	adapters, err := rfcomm.Adapters()
	if err != nil {
		return nil, "", err
	}
	var up []rfcomm.Adapter
	for _, a := range adapters {
		if a.Up {
			up = append(up, a)
		}
	}
	if len(up) < 2 {
		return nil, "", fmt.Errorf("adapters that are up: %d, and the demo needs two", len(up))
	}
	near, far := up[0], up[1]
	listener, err := new(rfcomm.ListenConfig).ListenRFCOMM(ctx, rfcomm.Addr{Device: far.Addr}) // on a free channel
	if err != nil {
		return nil, "", err
	}
	address := listener.Addr().(rfcomm.Addr)
	dialer := &rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near.Addr}, Timeout: 5 * time.Second}
	dial := func(ctx context.Context) (net.Conn, error) { return dialer.DialRFCOMM(ctx, address) }

	first, err := dial(ctx) // which shows whether the adapters reach each other
	if err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	first.Close()
	go server.Serve(listener) // until server.Close
	return dial, fmt.Sprintf("RFCOMM channel %d, from %s (%s) to %s (%s)", address.Channel, near.Name, near.Addr, far.Name, far.Addr), nil
}
