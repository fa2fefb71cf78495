package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// bridge accepts TCP connections, one at a time, and connects each to the
// target. An error of one connection does not end the bridge.
func (t *tool) bridge(ctx context.Context, o *connectOptions, dial connectFunc) error {
	address, err := listenAddress(o.listenTCP)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	t.warn("listening on %s", listener.Addr())
	for {
		client, err := listener.Accept()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		t.detail("connection from %s", client.RemoteAddr())
		if err := t.serve(ctx, client, time.Duration(o.wait), dial); err != nil && ctx.Err() == nil {
			t.complain(fmt.Errorf("connection from %s: %w", client.RemoteAddr(), err))
		}
	}
}

// listenAddress returns the address to listen on: a port of 127.0.0.1, or an
// address with a host.
func listenAddress(text string) (string, error) {
	if port, err := strconv.ParseUint(text, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10)), nil
	}
	if _, _, err := net.SplitHostPort(text); err != nil {
		return "", fmt.Errorf("invalid --listen-tcp %q: use a port from 0 to 65535, or host:port", text)
	}
	return text, nil
}

// serve connects a TCP connection to the target.
func (t *tool) serve(ctx context.Context, client net.Conn, wait time.Duration, dial connectFunc) error {
	defer client.Close()
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	cp := &copier{conn: conn, in: client, out: client, wait: wait}
	err = cp.run(ctx)
	t.detail("connection from %s: sent %d bytes, received %d", client.RemoteAddr(), cp.sent.Load(), cp.received.Load())
	if ended, ok := errors.AsType[ioError](err); ok {
		t.detail("connection from %s: %v", client.RemoteAddr(), ended)
		return nil // the client has ended
	}
	return err
}
