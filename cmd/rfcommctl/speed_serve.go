package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
)

// speedClients is the number of clients that are served at the same time. Others
// wait.
const speedClients = 7

// serveSpeed is the server of speed tests, until the context ends.
func (t *tool) serveSpeed(ctx context.Context, o *speedOptions) error {
	if o.channel == 0 {
		o.channel = speedChannel
	}
	if o.publish != "" {
		o.service.UUID = speedService
	}
	l, err := t.accepting(ctx, &o.serving, false)
	if err != nil {
		return err
	}
	defer l.Close()
	t.noteSpeed(o, l)
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, speedClients)
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		conn, err := t.waitFor(ctx, l, 0)
		if err != nil {
			return err
		}
		running.Go(func() {
			t.serveSpeedTo(ctx, conn)
			<-free
		})
	}
}

// serveSpeedTo serves a client, and prints what was measured.
func (t *tool) serveSpeedTo(ctx context.Context, conn net.Conn) {
	totals, err := speed.Serve(ctx, conn, t.packetOf(conn))
	if totals != (speed.Totals{}) {
		t.warn("%s: received %s, sent %s", conn.RemoteAddr(), bytesText(totals.Receive.Bytes), bytesText(totals.Send.Bytes))
	}
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, io.ErrUnexpectedEOF):
		t.detail("%s ended the test", conn.RemoteAddr())
	default:
		t.complainAbout(conn, err)
	}
}

// packetOf returns the number of bytes in the longest packets of the adapter of a
// connection, or 0.
func (t *tool) packetOf(conn net.Conn) int {
	local, ok := conn.LocalAddr().(rfcomm.Addr)
	if !ok {
		return 0
	}
	packet, err := t.longestPacket(local.Device)
	if err != nil {
		t.detail("the packets of the adapter are not known: %v", err)
	}
	return packet
}

// noteSpeed prints a command for another machine, for each address.
func (t *tool) noteSpeed(o *speedOptions, l net.Listener) {
	if o.tcp != "" {
		t.note("To measure: rfcommctl speed --tcp %s", l.Addr())
		return
	}
	t.noteEach("To measure: rfcommctl speed", &o.link, speedChannel)
}
