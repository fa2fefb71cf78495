package l2cap

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

var _ net.Conn = (*Conn)(nil)

// A Conn is one end of an L2CAP connection. Its methods may be called from
// several goroutines at once, and errors are *net.OpError, except for the bare
// io.EOF of Read. After Close, they match net.ErrClosed.
type Conn struct {
	socket             *btsocket.Socket
	local, remote      Addr
	outgoing, incoming int // MTUs
}

// opError returns err as the error of an operation between the two ends.
func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return network.OpError(op, c.local, c.remote, err)
}

// Read reads one packet into p. The count of an empty packet is 0, with a nil
// error. If the packet is longer than p, Read fills p, loses the rest, and
// returns an error that matches EMSGSIZE; the incoming MTU is always enough.
// After the last packet, Read returns io.EOF if the peer closed the connection,
// and otherwise an error that matches an errno, such as ETIMEDOUT if the link
// was lost.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.socket.Read(p)
	return n, c.opError(opRead, err)
}

// Write sends p as one packet, or nothing. If p is longer than the outgoing
// MTU, the error matches EMSGSIZE, and the connection continues.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.socket.Write(p)
	return n, c.opError(opWrite, err)
}

// Close closes the connection and wakes every pending call. It does not wait
// for the peer.
func (c *Conn) Close() error {
	return c.opError(opClose, c.socket.CloseContext(context.Background()))
}

// MTUs returns the length in bytes of the longest packet that the peer accepts,
// and of the longest one that this end accepts, as negotiated when the
// connection was established. Both are at least 48.
func (c *Conn) MTUs() (outgoing, incoming int) { return c.outgoing, c.incoming }

// LocalAddr returns the [Addr] of this end.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the [Addr] of the peer.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets the read and write deadlines, for future and pending calls.
func (c *Conn) SetDeadline(t time.Time) error { return c.setError(c.socket.SetDeadline(t)) }

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setError(c.socket.SetReadDeadline(t)) }

// SetWriteDeadline sets the deadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setError(c.socket.SetWriteDeadline(t)) }

// setError returns err as the error of a change of deadlines.
func (c *Conn) setError(err error) error {
	if err == nil {
		return nil
	}
	return network.OpError(opSet, nil, c.local, err)
}
