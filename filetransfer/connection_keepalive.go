package filetransfer

import "time"

// keptAlive records a keepalive of the peer: the idle timeout starts again, for
// reads and for a running Write. It returns the error of keepAliveLimit.
func (c *connection) keptAlive() error {
	c.mu.Lock()
	inARow := time.Since(c.progress)
	c.mu.Unlock()
	if c.keepAliveLimit != nil {
		if err := c.keepAliveLimit(inARow); err != nil {
			return err
		}
	}
	c.patience.renew(c.idle)
	c.renewWrite()
	return nil
}

// progressed records that the peer has sent or accepted data, not only
// keepalives.
func (c *connection) progressed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = time.Now()
}
