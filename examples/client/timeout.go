package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// A watchedConn ends a context if no data arrives for a time limit. It shortens
// the limit of filetransfer.Fetch, which is 30 s.
type watchedConn struct {
	net.Conn
	timer *time.Timer
	limit time.Duration
}

// watchSilence returns a connection to use instead of conn, and a context that
// ends if no data arrives for the time limit.
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
