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

// A copier copies between a connection and two streams. RFCOMM cannot close one
// direction alone: at the end of in, the copier continues to receive until the
// peer closes the connection or is silent for some time, and then shuts the
// connection down.
type copier struct {
	conn net.Conn
	in   io.Reader // to the connection
	out  io.Writer // from the connection

	// wait is the time of silence after the end of in: of time in which nothing is
	// received, and the kernel sends none of the data that it holds. If it is
	// negative, the copier waits for the peer to close the connection.
	wait time.Duration
	// unsent, if not nil, returns the size of the data that the kernel holds.
	unsent func() int
	// waiting, if not nil, reports whether another program waits for its turn. It
	// shortens the time of silence to turnTime.
	waiting func() bool
	// finite means that in ends by itself, as a file does. If the peer closes
	// the connection before, the copier fails.
	finite bool
	// outGone, if not nil, is closed when the reader of out has ended.
	outGone <-chan struct{}

	sent, received atomic.Int64 // bytes
	sending        atomic.Bool  // bytes of in are not yet in the connection
	ended          atomic.Bool  // in has ended
	hurried        atomic.Bool  // another program waits
	queued         int          // last result of unsent
	confirmed      bool         // the peer has received everything
}

// idleTime is the time after which an input without data counts as idle, when
// the peer has closed the connection.
const idleTime = 100 * time.Millisecond

// progressTime is the time after which a copier looks whether the kernel has sent
// data: many devices read as slowly as their serial port is, and answer at the end.
const progressTime = 200 * time.Millisecond

// turnTime is the maximum time of silence while another program waits for its turn.
// The end of a TCP connection does not show whether the program still reads.
const turnTime = time.Second

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
func (c *copier) run(ctx context.Context) error {
	defer c.conn.Close()
	sent, received := make(chan error, 1), make(chan error, 1)
	go func() { sent <- c.send() }()
	go func() { received <- c.receive() }()
	tick := time.NewTicker(progressTime)
	defer tick.Stop()
	for pending := (<-chan error)(sent); ; {
		select {
		case <-tick.C:
			c.progress()
		case err := <-pending:
			if _, ok := errors.AsType[ioError](err); ok {
				return err
			}
			if err == nil && c.wait == 0 {
				return c.shutdown(ctx, received)
			}
			sent <- err // for closedByPeer
			pending = nil
		case err := <-received:
			switch err {
			case nil:
				return c.closedByPeer(sent)
			case errSilence:
				return c.shutdown(ctx, nil)
			}
			return err
		case <-c.outGone:
			return errReaderGone
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// send copies from in to the connection.
func (c *copier) send() error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.in.Read(buffer)
		if n > 0 {
			c.sending.Store(true)
			if _, err := c.conn.Write(buffer[:n]); err != nil {
				return err
			}
			c.sent.Add(int64(n))
			c.sending.Store(false)
		}
		if err == io.EOF {
			c.ended.Store(true)
			c.extend()
			return nil
		}
		if err != nil {
			return ioError{err}
		}
	}
}

// receive copies from the connection to out.
func (c *copier) receive() error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := c.conn.Read(buffer)
		if n > 0 {
			if _, err := c.out.Write(buffer[:n]); err != nil {
				return ioError{err}
			}
			c.received.Add(int64(n))
			c.extend()
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
func (c *copier) extend() {
	wait := c.wait
	if c.hurried.Load() {
		wait = turnTime
	}
	if c.ended.Load() && wait > 0 {
		c.conn.SetReadDeadline(time.Now().Add(wait))
	}
}

// progress begins the time of silence anew if the kernel has sent data, and shortens
// it if another program waits.
func (c *copier) progress() {
	if !c.ended.Load() {
		return
	}
	if c.unsent != nil {
		now := c.unsent()
		if now < c.queued {
			c.extend()
		}
		c.queued = now
	}
	if c.waiting != nil && c.wait > turnTime && !c.hurried.Load() && c.waiting() {
		c.hurried.Store(true)
		c.extend()
	}
}

// closedByPeer returns an error if the peer closed the connection before all
// bytes of in were in it. An input that ends by itself is read to its end.
func (c *copier) closedByPeer(sent <-chan error) error {
	c.conn.Close() // ends a pending Write
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
			if !c.sending.Load() && !c.finite {
				return nil // in has had nothing to send
			}
		}
	}
}

// shutdown closes the connection once the peer has received everything, and
// waits until data received before has been written. There is nothing to
// confirm if nothing was sent.
func (c *copier) shutdown(ctx context.Context, received <-chan error) error {
	var err error
	switch conn := c.conn.(type) {
	case interface{ Shutdown(context.Context) error }:
		err = conn.Shutdown(ctx)
		c.confirmed = err == nil
	case interface{ CloseWrite() error }:
		err = cmp.Or(conn.CloseWrite(), c.conn.Close())
	default:
		err = c.conn.Close()
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
	if c.sent.Load() == 0 && ctx.Err() == nil {
		return nil
	}
	return err
}
