package faults

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/go-rfcomm/rfcomm"
)

// A watchedConn counts the bytes of a connection, and calls a function once,
// when a number of bytes have been read or written.
type watchedConn struct {
	*rfcomm.Conn
	read, written atomic.Int64
	after         int64 // bytes before the call of reached; if 0, it is never called
	once          sync.Once
	reached       func()
}

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.passed(c.read.Add(int64(n)))
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.passed(c.written.Add(int64(n)))
	return n, err
}

func (c *watchedConn) passed(total int64) {
	if c.after != 0 && total >= c.after {
		c.once.Do(c.reached)
	}
}

// carried returns the number of bytes in both directions.
func (c *watchedConn) carried() int64 { return c.read.Load() + c.written.Load() }

// A gatedConn blocks in Read after a number of bytes, until the
// channel gate is closed.
type gatedConn struct {
	net.Conn
	left int // bytes
	gate <-chan struct{}
}

func (c *gatedConn) Read(b []byte) (int, error) {
	if c.left > 0 {
		b = b[:min(len(b), c.left)]
	} else {
		<-c.gate
	}
	n, err := c.Conn.Read(b)
	c.left -= n
	return n, err
}
