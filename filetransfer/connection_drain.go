package filetransfer

import "errors"

// errDraining means that drain ended the wait for a request.
var errDraining = errors.New("no more requests")

// wait records whether awaitRequest is waiting, and reports whether a request
// may begin.
func (c *connection) wait(waiting bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = waiting
	return !c.draining
}

// drain keeps further requests from beginning. The current request continues.
func (c *connection) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	if c.waiting {
		c.conn.SetReadDeadline(longAgo)
	}
}
