package sdp

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// A client is one connection of a Server.
type client struct {
	server *Server
	conn   net.Conn

	// These fields are guarded by server.mu.
	active  time.Time // of the last request
	busy    bool      // the client has yet to receive the rest of an answer
	evicted bool      // too many clients, see Server.tooMany
}

// serve answers requests until the connection ends. It returns nil if the client
// hangs up or sends nothing for too long, or if the server is closing and the
// client has its answers.
func (c *client) serve() error {
	outgoing, incoming := mtus(c.conn)
	session := newSession(&c.server.database, outgoing)
	buf := make([]byte, incoming)
	timeout := c.server.idleTimeout()
	for {
		if err := c.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		n, err := c.conn.Read(buf)
		if err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		response, err := session.respond(buf[:n], c.began())
		if err != nil {
			return err
		}
		if err := c.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
			return err
		}
		if _, err := c.conn.Write(response); err != nil {
			return err
		}
		if c.ended(session.unfinished()) {
			return nil
		}
	}
}

// began records that the client has sent a request. It reports whether the
// server is closing.
func (c *client) began() (closing bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.active, c.busy = time.Now(), true
	return c.server.closing
}

// ended records that the request has been answered, in part if unfinished is
// true. It reports whether the server is closing and has no more for the client.
func (c *client) ended(unfinished bool) (leave bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.busy = unfinished
	return c.server.closing && !unfinished
}

const (
	// defaultMTU is the MTU of an L2CAP channel unless its ends agree on another
	// one (Core Specification, Volume 3, Part A, 5.1).
	defaultMTU = 672

	// maxMTU is the largest MTU of an L2CAP channel.
	maxMTU = 0xffff
)

// mtus returns the lengths of the longest packet that may be written to c, and
// of the longest that can be read from it.
func mtus(c net.Conn) (outgoing, incoming int) {
	l2cap, ok := c.(interface {
		MTUs() (outgoing, incoming int)
	})
	if !ok {
		return defaultMTU, maxPDUSize
	}
	outgoing, incoming = l2cap.MTUs()
	return min(max(outgoing, minMTU), maxMTU), max(incoming, minMTU)
}
