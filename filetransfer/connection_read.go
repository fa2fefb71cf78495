package filetransfer

import (
	"io"
	"os"
	"time"
)

// Read reads from the connection, as long as the patience lasts. It is the
// source of the buffered reader.
func (c *connection) Read(p []byte) (int, error) {
	for c.incoming.isEmpty() {
		if err := c.request(); err != nil {
			return 0, err
		}
		if err := c.await(); err != nil {
			return 0, err
		}
	}
	n, err := c.incoming.take(p)
	if n > 0 && c.incoming.isEmpty() && c.patience.renews() {
		c.request() // read on while the caller handles the bytes
	}
	return n, c.explain(err)
}

// request starts to read from the net.Conn.
func (c *connection) request() error {
	if err := c.removeDeadlines(); err != nil {
		return err
	}
	c.incoming.request()
	return nil
}

// await waits for the bytes that were requested, or until the patience changes.
func (c *connection) await() error {
	select { // without a timer
	case got := <-c.incoming.arrived:
		c.arrive(got, 0, c.patience.version())
		return nil
	default:
	}
	left, version := c.patience.left()
	if left <= 0 {
		return c.explain(os.ErrDeadlineExceeded)
	}
	began := time.Now()
	defer c.patience.stopClock()
	select {
	case got := <-c.incoming.arrived:
		c.arrive(got, time.Since(began), version)
	case <-c.patience.startClock(left):
		c.patience.spend(time.Since(began), 0, version)
	case <-c.patience.changed:
	case <-c.done:
		return c.failure()
	}
	return nil
}

// arrive accepts the bytes that have arrived after a wait.
func (c *connection) arrive(got arrival, waited time.Duration, version int) {
	c.incoming.put(got)
	if c.patience.spend(waited, got.n, version) {
		c.progressed()
	}
}

// discard reads and discards data until the stream or the patience ends.
func (c *connection) discard() {
	io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 4<<10))
}

// within limits the reads that follow: all of them together may take d.
func (c *connection) within(d time.Duration) {
	c.patience.set(readLimit{end: time.Now().Add(d)})
}

// stream limits the reads that follow: they may wait for the idle timeout, and
// again after each minProgress bytes. The time between reads does not count.
func (c *connection) stream() {
	c.patience.set(readLimit{renews: true, left: c.idle, idle: c.idle})
}

// forever removes the limit for reads.
func (c *connection) forever() {
	c.patience.set(readLimit{forever: true})
}
