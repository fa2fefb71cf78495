package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/examples/internal/show"
	"github.com/go-rfcomm/rfcomm/filetransfer"
)

// connect connects to the server.
func connect(ctx context.Context, o *options) (net.Conn, error) {
	if o.connect != "" {
		dialer := &net.Dialer{Timeout: o.timeout}
		return dialer.DialContext(ctx, "tcp", o.connect)
	}
	dialer := &rfcomm.Dialer{Timeout: o.timeout}
	if o.adapter != "" {
		adapter, err := rfcomm.AdapterByName(o.adapter)
		if err != nil {
			return nil, err
		}
		if adapter.Addr.IsZero() {
			return nil, fmt.Errorf("adapter %s has no address yet: power it on with \"bluetoothctl power on\"", adapter.Name)
		}
		dialer.LocalAddr = rfcomm.Addr{Device: adapter.Addr}
	}
	conn, err := dialer.DialRFCOMM(ctx, rfcomm.Addr{Device: o.device, Channel: o.channel})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// newClient connects to the server and returns a client.
func newClient(ctx context.Context, o *options, line *show.Line) (*filetransfer.Client, error) {
	conn, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	return clientOver(conn, o, line), nil
}

// clientOver returns a client that uses a connection.
func clientOver(conn net.Conn, o *options, line *show.Line) *filetransfer.Client {
	client := filetransfer.NewClient(conn)
	client.Plain = o.plain
	client.Overwrite = o.overwrite
	client.IdleTimeout = o.timeout
	client.Progress = line.Update
	client.Busy = sync.OnceFunc(func() {
		fmt.Fprintln(os.Stderr, "client: the server is busy with another client: waiting for it")
	})
	return client
}
