package main

import (
	"context"
	"net"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// searchServices is the search of newTool.
func searchServices(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, uuids ...sdp.UUID) ([]*sdp.Record, error) {
	return (&sdp.Dialer{RFCOMM: *d}).Search(ctx, device, uuids...)
}

// dialService is the dial of newTool.
func dialService(ctx context.Context, d *rfcomm.Dialer, device rfcomm.BDAddr, s service) (net.Conn, error) {
	var conn *rfcomm.Conn
	var err error
	if s.channel != 0 {
		conn, err = d.DialRFCOMM(ctx, rfcomm.Addr{Device: device, Channel: s.channel})
	} else {
		conn, err = (&sdp.Dialer{RFCOMM: *d}).Dial(ctx, device, s.uuid)
	}
	if err != nil {
		return nil, err // not a nil *rfcomm.Conn
	}
	return conn, nil
}

// A server describes where to listen, and the service record.
type server struct {
	address  rfcomm.Addr // channel 0: a free one
	security rfcomm.Security

	// name is that of the service record, or "" if none is published. The
	// default service is the serial port.
	name    string
	service sdp.UUID
	// report is called with an error when the record is missing, and with nil
	// when it is back.
	report func(error)
}

// listenAs is the listen of newTool.
func listenAs(ctx context.Context, s server) (net.Listener, error) {
	if s.name != "" {
		return listenPublished(ctx, s)
	}
	l, err := (&rfcomm.ListenConfig{Security: s.security}).ListenRFCOMM(ctx, s.address)
	if err != nil {
		return nil, err // not a nil *rfcomm.Listener
	}
	return l, nil
}
