package l2cap

import (
	"bytes"
	"context"
	"io"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A state is the state of a channel (section 6.1). A channel that has ended has
// the state closed.
type state int

const (
	connecting  state = iota // the peer has not answered the connection request
	abandoned                // like connecting, but no call waits for the answer
	configuring              // the ends have not agreed on the options
	open
	closing // the peer has not answered the disconnection request
	closed
)

// A Conn is an L2CAP channel in basic mode: each Write sends one packet, and
// each Read returns one.
type Conn struct {
	link      *link
	psm       uint16
	local     uint16 // identifier of this end
	remote    uint16 // identifier of the other end, once it is known
	mtu       int    // of packets to this end
	peerMTU   int    // of packets to the other end
	requestID byte   // of the connection request
	dialed    bool
	listener  *Listener // of an accepted channel, until Accept has returned it

	state                 state
	opened                bool // also after the end
	accepted, accepting   bool // the peer has accepted our options; we have accepted the peer's
	attempts              int  // number of configuration requests
	received              [][]byte
	err                   error // the result of Read after the received packets
	writeErr              error // the result of Write, or nil
	readLimit, writeLimit deadline
}

// Dial opens a channel to a service of another device. It makes a link if there
// is none, and encrypts it if the peer's services require that.
func (h *Host) Dial(ctx context.Context, peer hcipacket.Address, psm uint16) (*Conn, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, reused := h.links[peer]
	for {
		l, err := h.connect(ctx, peer)
		if err != nil {
			return nil, err
		}
		c, err := l.dial(ctx, psm)
		if err != nil && l.err != nil && reused && h.powered {
			reused = false
			continue // the link was ending
		}
		return c, err
	}
}

// dial opens a channel over a link.
func (l *link) dial(ctx context.Context, psm uint16) (*Conn, error) {
	const sdp = 1
	if psm != sdp {
		if err := l.secure(ctx); err != nil {
			return nil, err
		}
	}
	c := l.newConn(psm)
	if c == nil {
		return nil, errNoChannel
	}
	c.dialed = true
	c.requestID = l.request(connectionRequest, words(psm, c.local))
	err := l.host.waitContext(ctx, func() bool { return c.opened || c.state == closed })
	if err == nil && !c.opened {
		err = c.err
	}
	if err != nil {
		c.close(err)
		return nil, err
	}
	return c, nil
}

// newConn adds a channel. It returns nil if no identifier is free.
func (l *link) newConn(psm uint16) *Conn {
	for cid := firstDynamic; cid <= lastDynamic; cid++ {
		if l.channels[uint16(cid)] == nil {
			c := &Conn{link: l, psm: psm, local: uint16(cid), mtu: l.host.mtu, peerMTU: defaultMTU}
			l.channels[c.local] = c
			return c
		}
	}
	return nil
}

// Dialed reports whether this end opened the channel.
func (c *Conn) Dialed() bool { return c.dialed }

// PSM returns the number of the service.
func (c *Conn) PSM() uint16 { return c.psm }

// Peer returns the address of the other device.
func (c *Conn) Peer() hcipacket.Address { return c.link.peer }

// CIDs returns the identifiers of this end and of the other end.
func (c *Conn) CIDs() (local, remote uint16) {
	c.link.host.mu.Lock()
	defer c.link.host.mu.Unlock()
	return c.local, c.remote
}

// Read returns one packet. If the packet is longer than b, the rest is lost and
// Read returns io.ErrShortBuffer. After the peer has closed the channel, Read
// returns io.EOF.
func (c *Conn) Read(b []byte) (int, error) {
	h := c.link.host
	h.mu.Lock()
	defer h.mu.Unlock()
	err := h.wait(func() error {
		if c.err == net.ErrClosed {
			return c.err
		}
		return c.readLimit.expired()
	}, func() bool { return len(c.received) > 0 || c.err != nil })
	if err == nil && len(c.received) == 0 {
		err = c.err
	}
	if err != nil {
		return 0, err
	}
	packet := c.received[0]
	c.received = c.received[1:]
	if len(packet) > len(b) {
		return copy(b, packet), io.ErrShortBuffer
	}
	return copy(b, packet), nil
}

// Write sends one packet. It waits until the controller has taken all earlier
// packets of the link. If it fails, it has sent nothing.
func (c *Conn) Write(b []byte) (int, error) {
	h := c.link.host
	h.mu.Lock()
	defer h.mu.Unlock()
	err := h.wait(func() error {
		if c.writeErr != nil {
			return c.writeErr
		}
		return c.writeLimit.expired()
	}, func() bool { return len(c.link.queue) == 0 })
	if err == nil && len(b) > c.peerMTU {
		err = tooLong(len(b), c.peerMTU)
	}
	if err != nil {
		return 0, err
	}
	c.link.send(c.remote, b)
	return len(b), nil
}

// Close closes the channel. Packets that Write has sent still arrive. Later
// calls return net.ErrClosed.
func (c *Conn) Close() error {
	c.link.host.mu.Lock()
	defer c.link.host.mu.Unlock()
	if c.err == net.ErrClosed {
		return net.ErrClosed
	}
	c.received = nil
	c.close(net.ErrClosed)
	c.readLimit.set(c.link.host, time.Time{}) // stops the timers
	c.writeLimit.set(c.link.host, time.Time{})
	return nil
}

// SetReadDeadline sets the deadline of Read.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadline(t, &c.readLimit) }

// SetWriteDeadline sets the deadline of Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.writeLimit) }

func (c *Conn) setDeadline(t time.Time, limit *deadline) error {
	c.link.host.mu.Lock()
	defer c.link.host.mu.Unlock()
	if c.err == net.ErrClosed {
		return net.ErrClosed
	}
	limit.set(c.link.host, t)
	return nil
}

// receive queues a packet. A packet for an end that is not open, or that is
// longer than the end accepts, is lost.
func (c *Conn) receive(packet []byte) {
	if c.state == open && len(packet) <= c.mtu {
		c.received = append(c.received, bytes.Clone(packet))
	}
}

// close closes the channel at this end. Pending and later calls return err.
func (c *Conn) close(err error) {
	switch c.state {
	case connecting:
		c.state = abandoned // the other end's identifier is not known yet
	case configuring, open:
		c.state = closing
		c.link.request(disconnectionRequest, words(c.remote, c.local))
	}
	c.err, c.writeErr = err, err
	c.link.host.changed.Broadcast()
}

// end marks a channel that no longer exists. The first error remains.
func (c *Conn) end(err error) {
	c.state = closed
	if c.writeErr == nil {
		c.err, c.writeErr = err, err
		if err == io.EOF {
			c.writeErr = errPeerClosed
		}
	}
	c.link.host.changed.Broadcast()
}

// remove removes a channel from its link.
func (c *Conn) remove(err error) {
	delete(c.link.channels, c.local)
	c.end(err)
}
