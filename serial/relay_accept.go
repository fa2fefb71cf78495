package serial

import (
	"context"
	"net"
)

// An acceptor gives Accept of a listener a context. At most one call of Accept
// is pending; a call that outlives its context serves the next one.
type acceptor struct {
	listener net.Listener
	pending  chan accepted // nil unless a call is pending
}

type accepted struct {
	conn net.Conn
	err  error
}

// accept waits for the next connection.
func (a *acceptor) accept(ctx context.Context) (net.Conn, error) {
	if a.pending == nil {
		pending := make(chan accepted, 1)
		a.pending = pending
		go func() {
			conn, err := a.listener.Accept()
			pending <- accepted{conn, err}
		}()
	}
	select {
	case next := <-a.pending:
		a.pending = nil
		return next.conn, next.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// close closes the listener, and a connection that was accepted but not
// returned.
func (a *acceptor) close() {
	a.listener.Close()
	if a.pending == nil {
		return
	}
	if last := <-a.pending; last.err == nil {
		last.conn.Close()
	}
}
