package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
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
		return explainListen(err)
	}
	defer listener.Close()
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	t.warn("listening on %s", listener.Addr())
	clients, failed := acceptAhead(ctx, listener)
	waiting := func() bool { return len(clients) > 0 }
	for {
		select {
		case client := <-clients:
			t.detail("connection from %s", client.RemoteAddr())
			if err := t.serve(ctx, client, time.Duration(o.wait), waiting, dial); err != nil && ctx.Err() == nil {
				t.complain(fmt.Errorf("connection from %s: %w", client.RemoteAddr(), err))
			}
		case err := <-failed:
			return cmp.Or(context.Cause(ctx), err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// acceptAhead accepts connections before their turn, so that one that waits is
// known.
func acceptAhead(ctx context.Context, l net.Listener) (clients <-chan net.Conn, failed <-chan error) {
	queue, failure := make(chan net.Conn, 1), make(chan error, 1)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				failure <- err
				return
			}
			select {
			case queue <- client:
			case <-ctx.Done():
				client.Close()
				return
			}
		}
	}()
	return queue, failure
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

// explainListen adds the remedy to an error of a TCP listener.
func explainListen(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: another program has the port; use another one, or 0 for any that is free", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: ports below 1024 need root; use a higher one, or 0 for any that is free", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: use an address of this machine, or a port alone", err)
	}
	return err
}

// serve connects a TCP connection to the target.
func (t *tool) serve(ctx context.Context, client net.Conn, wait time.Duration, waiting func() bool, dial connectFunc) error {
	defer client.Close()
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	cp := &copier{conn: conn, in: client, out: client, wait: wait, unsent: unsent(conn), waiting: waiting}
	err = cp.run(ctx)
	t.detail("connection from %s: sent %d bytes, received %d", client.RemoteAddr(), cp.sent.Load(), cp.received.Load())
	if ended, ok := errors.AsType[ioError](err); ok {
		t.detail("connection from %s: %v", client.RemoteAddr(), ended)
		return nil // the client has ended
	}
	return err
}
