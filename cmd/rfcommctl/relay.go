package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A relay copies between a connection and two streams. RFCOMM cannot close one
// direction alone: at the end of in, the relay continues to receive until the
// peer closes the connection or is silent for some time, and then shuts the
// connection down.
type relay struct {
	conn net.Conn
	in   io.Reader // to the connection
	out  io.Writer // from the connection

	// wait is the time of silence after the end of in. If it is negative, the
	// relay waits for the peer to close the connection.
	wait time.Duration
	// finite means that in ends by itself, as a file does. If the peer closes
	// the connection before, the relay fails.
	finite bool
	// outGone, if not nil, is closed when the reader of out has ended.
	outGone <-chan struct{}

	sent, received atomic.Int64 // bytes
	sending        atomic.Bool  // bytes of in are not yet in the connection
	ended          atomic.Bool  // in has ended
	confirmed      bool         // the peer has received everything
}

// idleTime is the time after which an input without data counts as idle, when
// the peer has closed the connection.
const idleTime = 100 * time.Millisecond

var (
	// errSilence means that the peer has been silent for the time of wait.
	errSilence = errors.New("silence")
	// errClosedEarly means that the peer closed the connection while there was
	// more to send.
	errClosedEarly = errors.New("the device closed the connection before everything was sent")
)

// An ioError is an error of one of the streams.
type ioError struct{ error }

func (e ioError) Unwrap() error { return e.error }

// run copies until one end is done, and closes the connection. It returns nil if
// the peer closed the connection, or if the peer has confirmed the data. A
// pending read of in can outlive run.
func (r *relay) run(ctx context.Context) error {
	defer r.conn.Close()
	sent, received := make(chan error, 1), make(chan error, 1)
	go func() { sent <- r.send() }()
	go func() { received <- r.receive() }()
	for pending := (<-chan error)(sent); ; {
		select {
		case err := <-pending:
			if _, ok := errors.AsType[ioError](err); ok {
				return err
			}
			if err == nil && r.wait == 0 {
				return r.shutdown(ctx, received)
			}
			sent <- err // for closedByPeer
			pending = nil
		case err := <-received:
			switch err {
			case nil:
				return r.closedByPeer(sent)
			case errSilence:
				return r.shutdown(ctx, nil)
			}
			return err
		case <-r.outGone:
			return errReaderGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// send copies from in to the connection.
func (r *relay) send() error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.in.Read(buffer)
		if n > 0 {
			r.sending.Store(true)
			if _, err := r.conn.Write(buffer[:n]); err != nil {
				return err
			}
			r.sent.Add(int64(n))
			r.sending.Store(false)
		}
		if err == io.EOF {
			r.ended.Store(true)
			r.extend()
			return nil
		}
		if err != nil {
			return ioError{err}
		}
	}
}

// receive copies from the connection to out.
func (r *relay) receive() error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.conn.Read(buffer)
		if n > 0 {
			if _, err := r.out.Write(buffer[:n]); err != nil {
				return ioError{err}
			}
			r.received.Add(int64(n))
			r.extend()
		}
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return errSilence
		case err != nil:
			return err
		}
	}
}

// extend begins the time of silence anew, if in has ended.
func (r *relay) extend() {
	if r.ended.Load() && r.wait > 0 {
		r.conn.SetReadDeadline(time.Now().Add(r.wait))
	}
}

// closedByPeer returns an error if the peer closed the connection before all
// bytes of in were in it. An input that ends by itself is read to its end.
func (r *relay) closedByPeer(sent <-chan error) error {
	r.conn.Close() // ends a pending Write
	idle := time.NewTicker(idleTime)
	defer idle.Stop()
	for {
		select {
		case err := <-sent:
			if err != nil {
				return errClosedEarly
			}
			return nil
		case <-idle.C:
			if !r.sending.Load() && !r.finite {
				return nil // in has had nothing to send
			}
		}
	}
}

// shutdown closes the connection once the peer has received everything, and
// waits until data received before has been written. There is nothing to
// confirm if nothing was sent.
func (r *relay) shutdown(ctx context.Context, received <-chan error) error {
	var err error
	switch conn := r.conn.(type) {
	case interface{ Shutdown(context.Context) error }:
		err = conn.Shutdown(ctx)
		r.confirmed = err == nil
	case interface{ CloseWrite() error }:
		err = cmp.Or(conn.CloseWrite(), r.conn.Close())
	default:
		err = r.conn.Close()
	}
	if received != nil {
		select {
		case last := <-received:
			if _, ok := errors.AsType[ioError](last); ok {
				return last
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if r.sent.Load() == 0 && ctx.Err() == nil {
		return nil
	}
	return err
}
