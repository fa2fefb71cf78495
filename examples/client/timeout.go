package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// A watchedConn ends a context when nothing comes over it for a time. It is for
// Fetch, which has a limit of its own, of 30 s.
type watchedConn struct {
	net.Conn
	timer *time.Timer
	limit time.Duration
}

// watchSilence returns the connection, and a context that ends when nothing
// comes for the time limit.
func watchSilence(ctx context.Context, conn net.Conn, limit time.Duration) (context.Context, *watchedConn) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("the server was silent for %s", limit)) })
	return ctx, &watchedConn{conn, timer, limit}
}

// Read implements [net.Conn].
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.timer.Reset(c.limit)
	}
	return n, err
}
