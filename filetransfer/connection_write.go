package filetransfer

import (
	"io"
	"os"
	"time"
)

// maxWrite is the maximum number of bytes of one Write of the net.Conn, which
// the peer must accept within the idle timeout. It is a chunk of the maximum
// size.
const maxWrite = chunkSpace

// Write writes all of p. It waits for another Write to return.
func (c *connection) Write(p []byte) (int, error) {
	n, err := c.writeAll(p)
	if err == nil {
		c.progressed()
	}
	return n, err
}

// writeKeepalive is Write for a message that does not count as progress.
func (c *connection) writeKeepalive(p []byte) error {
	_, err := c.writeAll(p)
	return err
}

func (c *connection) writeAll(p []byte) (written int, err error) {
	select {
	case c.writing <- struct{}{}:
	case <-c.done:
		return 0, c.failure()
	}
	defer func() { <-c.writing }()
	for written < len(p) && err == nil {
		var n int
		n, err = c.writePiece(p[written:min(written+maxWrite, len(p))])
		written += n
	}
	return written, err
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

// beginWrite starts the time of a Write.
func (c *connection) beginWrite() error {
	if err := c.removeDeadlines(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return c.failed
	}
	c.inWrite = true
	c.startWatchdog()
	return nil
}

// endWrite ends the time of a Write and returns its error.
func (c *connection) endWrite(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inWrite = false
	c.watchdog.Stop()
	if err == nil {
		return nil
	}
	c.mute = true
	if c.ended {
		return c.failed
	}
	return c.explain(err)
}

// renewWrite starts the time of a running Write again.
func (c *connection) renewWrite() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inWrite {
		c.startWatchdog()
	}
}

// startWatchdog limits a Write to the idle timeout. The caller holds c.mu.
func (c *connection) startWatchdog() {
	c.writeEnd = time.Now().Add(c.idle)
	if c.watchdog == nil {
		c.watchdog = time.AfterFunc(c.idle, c.giveUp)
		return
	}
	c.watchdog.Reset(c.idle)
}

// giveUp interrupts a Write that takes too long. The peer may have sent the
// reason, so reads continue, unless the Write does not return: that of a
// tls.Conn may be waiting for the handshake, which a write deadline does not
// end.
func (c *connection) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.inWrite || time.Now().Before(c.writeEnd):
	case !c.mute:
		c.mute = true
		c.conn.SetWriteDeadline(longAgo)
		c.watchdog.Reset(stuckGrace)
	default:
		go c.end(c.explain(os.ErrDeadlineExceeded))
	}
}

// isMute reports whether a Write has failed, so that nothing can be sent.
func (c *connection) isMute() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mute
}
