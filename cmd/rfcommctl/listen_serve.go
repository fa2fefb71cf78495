package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// serveAll serves one connection or, with --keep, all of them. The end of the
// program that reads standard output ends it.
func (t *tool) serveAll(ctx context.Context, l net.Listener, o *listenOptions) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.Duration(o.timeout.duration)
	if o.exec != "" && o.keep {
		return t.serveTogether(ctx, l, limit, o.exec)
	}
	if gone := t.stdout.readerGone(); gone != nil && o.exec == "" {
		go func() {
			select {
			case <-gone:
				cancel(errReaderGone)
			case <-ctx.Done():
			}
		}()
	}
	if o.keep {
		return t.serveInTurn(ctx, l, limit)
	}
	conn, err := t.waitFor(ctx, l, limit)
	if err != nil {
		return err
	}
	if err := l.Close(); err != nil {
		t.detail("%v", err)
	}
	if o.exec != "" {
		return t.runWith(ctx, conn, o.exec)
	}
	return t.serveStandard(ctx, conn, t.stdin)
}

// waitFor returns the next connection. It closes the listener and returns an
// error if the context ends, or if no device connects for the time of limit,
// unless it is 0.
func (t *tool) waitFor(ctx context.Context, l net.Listener, limit time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if limit > 0 {
		timer := time.AfterFunc(limit, func() {
			cancel(fmt.Errorf("no device connected for %s: %w", limit, os.ErrDeadlineExceeded))
		})
		defer timer.Stop()
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	conn, err := l.Accept()
	if ended := !stop(); ended {
		if err == nil {
			conn.Close()
		}
		return nil, context.Cause(ctx)
	}
	if err == nil {
		t.note("Connection from %s", conn.RemoteAddr())
	}
	return conn, err
}

// serveStandard copies between a connection and the standard streams until the
// device closes the connection.
func (t *tool) serveStandard(ctx context.Context, conn net.Conn, in io.Reader) error {
	return t.copyStandard(ctx, &copier{conn: conn, in: in, out: t.stdout, wait: -1, finite: isFile(in)})
}

// serveInTurn serves one device after the other. Each gets the standard input
// that the devices before it have left.
func (t *tool) serveInTurn(ctx context.Context, l net.Listener, limit time.Duration) error {
	input := share(ctx, t.stdin)
	for {
		conn, err := t.waitFor(ctx, l, limit)
		if err != nil {
			return err
		}
		turn := input.turn()
		err = t.serveStandard(ctx, conn, turn)
		turn.end()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if _, ok := errors.AsType[ioError](err); ok {
			return err // the next device would have the same error
		}
		if err != nil {
			t.complainAbout(conn, err)
		}
	}
}

// serveTogether runs a command for each connection. It returns when no command
// is running.
func (t *tool) serveTogether(ctx context.Context, l net.Listener, limit time.Duration, line string) error {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := t.waitFor(ctx, l, limit)
		if err != nil {
			return err
		}
		running.Go(func() {
			if err := t.runWith(ctx, conn, line); err != nil && ctx.Err() == nil {
				t.complainAbout(conn, err)
			}
		})
	}
}

// complainAbout prints an error of one of several connections.
func (t *tool) complainAbout(conn net.Conn, err error) {
	t.complain(fmt.Errorf("connection from %s: %w", conn.RemoteAddr(), err))
}
