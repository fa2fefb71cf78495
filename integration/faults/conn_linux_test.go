package faults

import (
	"net"
	"sync"
	"sync/atomic"

	"github.com/go-rfcomm/rfcomm"
)

// A watchedConn counts what goes over a connection, and calls a function once,
// when so many bytes of one direction have passed.
type watchedConn struct {
	*rfcomm.Conn
	read, written atomic.Int64
	after         int64 // 0: never
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

// carried returns how much went over the connection.
func (c *watchedConn) carried() int64 { return c.read.Load() + c.written.Load() }

// A gatedConn reads no more after so many bytes, until its gate is opened.
type gatedConn struct {
	net.Conn
	left int
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
