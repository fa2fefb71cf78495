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
