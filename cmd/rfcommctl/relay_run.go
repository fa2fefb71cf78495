package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/serial"
)

// openLine is the openLine of newTool.
func openLine(name string, o *serial.LineOptions) (serial.Line, error) {
	line, err := serial.OpenLine(name, o)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, notFoundError{err}
	case err != nil:
		return nil, err // not a nil *serial.PhysicalPort
	}
	return line, nil
}

// newPort is the newPort of newTool.
func newPort(ctx context.Context, conn net.Conn) (net.Conn, error) {
	c, ok := conn.(*rfcomm.Conn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("a %T cannot become a node of the kernel", conn)
	}
	port, err := serial.NewPort(ctx, c)
	if err != nil {
		return nil, err // not a nil *serial.Port
	}
	return port, nil
}

// runRelay runs the command "relay".
func (t *tool) runRelay(c *cobra.Command, o *relayOptions, words []string) error {
	if err := o.check(c); err != nil {
		return usageError{fmt.Errorf("%w (see rfcommctl relay --help)", err)}
	}
	port := words[len(words)-1]
	r := &serial.Relay{
		Open:   func(context.Context) (serial.Line, error) { return t.openLine(port, o.line()) },
		Keep:   o.keep,
		Lines:  o.lines,
		Report: t.reporter(c, &o.source),
	}
	err := t.relay(c, o, r, words[0])
	stats := r.Stats()
	t.detail("sent %d bytes, received %d", stats.Sent, stats.Received)
	return err
}

// relay runs a relay over the connections that the flags ask for.
func (t *tool) relay(c *cobra.Command, o *relayOptions, r *serial.Relay, target string) (err error) {
	ctx := c.Context()
	if !o.accepts(c) {
		if r.Connect, err = t.dialed(ctx, &o.source, target); err != nil {
			return err
		}
		r.Connect = t.withLines(o, r.Connect)
		return r.Run(ctx)
	}
	a, err := t.acceptor(c, &o.source)
	if err != nil {
		return err
	}
	defer a.Close()
	if !o.keep {
		r.Connect = t.withLines(o, a.connectOnce)
		return r.Run(ctx)
	}
	return r.Serve(ctx, connectListener{a, t.withLines(o, a.connect), ctx})
}

// withLines returns a function whose connections have modem signals if the flags
// ask for them.
func (t *tool) withLines(o *relayOptions, connect connectFunc) connectFunc {
	if !o.lines {
		return connect
	}
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := connect(ctx)
		if err != nil {
			return nil, err
		}
		return t.newPort(ctx, conn)
	}
}

// A connectListener is a listener whose connections come from a connectFunc.
type connectListener struct {
	net.Listener
	connect connectFunc
	ctx     context.Context
}

// Accept implements [net.Listener].
func (l connectListener) Accept() (net.Conn, error) { return l.connect(l.ctx) }
