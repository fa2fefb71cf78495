package filetransfer

import "time"

// keptAlive records a keepalive of the peer: the idle timeout starts again, for
// reads and for a running Write. It returns the error of keepAliveLimit.
func (c *connection) keptAlive() error {
	c.mu.Lock()
	if c.keptSince.IsZero() {
		c.keptSince = time.Now()
	}
	since := c.keptSince
	c.mu.Unlock()
	if c.keepAliveLimit != nil {
		if err := c.keepAliveLimit(time.Since(since)); err != nil {
			return err
		}
	}
	c.patience.renew(c.idle)
	c.renewWrite()
	return nil
}

// progressed records that the peer has sent or accepted data.
func (c *connection) progressed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keptSince = time.Time{}
}
