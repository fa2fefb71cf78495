package filetransfer

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// within sets a fixed read deadline: all reads together may take d.
func (c *connection) within(d time.Duration) error {
	c.streaming.Store(false)
	return c.setReadDeadline(time.Now().Add(d))
}

// stream sets the read deadline to the idle timeout and starts to extend it on
// progress.
func (c *connection) stream() error {
	c.streaming.Store(true)
	c.moved = 0
	c.deadline = time.Now().Add(c.idle)
	return c.setReadDeadline(c.deadline)
}

// extend moves the read deadline by d, while streaming.
func (c *connection) extend(d time.Duration) error {
	c.deadline = c.deadline.Add(d)
	return c.setReadDeadline(c.deadline)
}

// forever removes the read deadline.
func (c *connection) forever() error {
	c.streaming.Store(false)
	return c.setReadDeadline(time.Time{})
}

func (c *connection) setReadDeadline(t time.Time) error {
	return c.setDeadline(c.conn.SetReadDeadline, t)
}

func (c *connection) setWriteDeadline(t time.Time) error {
	return c.setDeadline(c.conn.SetWriteDeadline, t)
}

// setDeadline sets a deadline, unless end was called.
func (c *connection) setDeadline(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	err := set(t)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil // the next read or write reports it, after the buffered data
	}
	return err
}

// Read reads from the connection. It is the source of the buffered reader.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.conn.Read(p)
	if c.streaming.Load() {
		if c.moved += n; c.moved >= minProgress && err == nil {
			err = c.stream()
		}
	}
	return n, c.explain(err)
}

// Write writes all of p, as long as the peer keeps reading.
//
// Write checks the progress several times within the idle timeout. A kernel
// buffer may accept some bytes of each new write although the peer reads
// nothing. Such bytes must not restart the whole timeout each time.
func (c *connection) Write(p []byte) (int, error) {
	const checks = 4
	written, moved, since := 0, 0, time.Now()
	for {
		deadline := time.Now().Add(c.idle / checks)
		if last := since.Add(c.idle); last.Before(deadline) {
			deadline = last
		}
		if err := c.setWriteDeadline(deadline); err != nil {
			return written, c.fail(err)
		}
		n, err := c.conn.Write(p[written:])
		written, moved = written+n, moved+n
		if written == len(p) {
			return written, nil
		}
		if err == nil {
			return written, c.fail(io.ErrShortWrite)
		}
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded) || c.isEnded():
			return written, c.fail(c.explain(err))
		case moved >= minProgress:
			moved, since = 0, time.Now()
		case time.Since(since) >= c.idle:
			return written, c.fail(c.explain(err))
		}
	}
}
