package filetransfer

import (
	"errors"
	"io"
	"net"
	"time"
)

// maxWrite is the maximum number of bytes of one Write of the net.Conn, which
// the peer must accept within the idle timeout. It is a chunk of the maximum
// size.
const maxWrite = chunkSpace

// Write writes all of p. It waits for another Write to return.
func (c *connection) Write(p []byte) (int, error) {
	select {
	case c.writing <- struct{}{}:
	case <-c.done:
		return 0, c.failure()
	}
	defer func() { <-c.writing }()
	for written := 0; written < len(p); {
		n, err := c.writePiece(p[written:min(written+maxWrite, len(p))])
		if written += n; err != nil {
			return written, err
		}
	}
	return len(p), nil
}

// tryWrite is Write, but does nothing if another Write is running.
func (c *connection) tryWrite(p []byte) error {
	select {
	case c.writing <- struct{}{}:
		defer func() { <-c.writing }()
		_, err := c.writePiece(p)
		return err
	default:
		return nil
	}
}

// writePiece writes at most maxWrite bytes. After an error, nothing can be
// written.
func (c *connection) writePiece(p []byte) (int, error) {
	if err := c.beginWrite(); err != nil {
		return 0, c.fail(err)
	}
	n, err := c.conn.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err = c.endWrite(err); err != nil {
		return n, c.fail(err)
	}
	return n, nil
}

// beginWrite sets the deadline of a Write.
func (c *connection) beginWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return c.failed
	}
	if err := ignoreClosed(c.conn.SetWriteDeadline(time.Now().Add(c.idle))); err != nil {
		return err
	}
	c.inWrite = true
	return nil
}

// endWrite removes the deadline, so that it does not pass later, and returns the
// error of the Write.
func (c *connection) endWrite(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inWrite = false
	switch {
	case err == nil && c.ended:
	case err == nil:
		c.conn.SetWriteDeadline(time.Time{})
	case c.ended:
		c.mute = true
		return c.failed
	default:
		c.mute = true
		return c.explain(err)
	}
	return nil
}

// renewWrite starts the deadline of a running Write again.
func (c *connection) renewWrite() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inWrite && !c.ended {
		c.conn.SetWriteDeadline(time.Now().Add(c.idle))
	}
}

// isMute reports whether a Write has failed, so that nothing can be sent.
func (c *connection) isMute() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mute
}

// setDeadline sets a deadline, unless end was called.
func (c *connection) setDeadline(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	return ignoreClosed(set(t))
}

// ignoreClosed returns nil for an error of a closed connection: the next read or
// write reports it, after the buffered data.
func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}
