package rfcommtest

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/l2cap"
)

// l2capNetwork describes the errors of L2CAP channels.
var l2capNetwork = neterr.Network{Name: "l2cap"}

// An L2CAPAddr is the address of an L2CAP service.
type L2CAPAddr struct {
	Device rfcomm.BDAddr
	PSM    uint16 // the number of the service; 0 at the end that dialed
}

// Network returns "l2cap".
func (L2CAPAddr) Network() string { return l2capNetwork.Name }

// String returns the address in the form "[01:23:45:67:89:AB]:3".
func (a L2CAPAddr) String() string { return fmt.Sprintf("[%s]:%d", a.Device, a.PSM) }

var (
	_ net.Conn     = (*L2CAPConn)(nil)
	_ net.Listener = (*L2CAPListener)(nil)
)

// An L2CAPConn is a channel of a Device, in basic mode. Packets keep their
// boundaries: each Write sends one, which may be empty, and each Read returns
// one. Its methods may be called concurrently, and errors are *net.OpError.
type L2CAPConn struct {
	conn   *l2cap.Conn
	device *Device
}

// Read returns the next packet. If the packet is longer than b, the rest is
// lost and the error is io.ErrShortBuffer. After the peer has closed the
// channel, Read returns io.EOF. After the loss of the link, the error matches an
// errno for the reason, such as syscall.ETIMEDOUT or syscall.ECONNRESET, or
// syscall.ECONNABORTED for uncommon reasons. Read first returns all packets that
// arrived earlier.
func (c *L2CAPConn) Read(b []byte) (int, error) {
	n, err := c.conn.Read(b)
	return n, c.error("read", err)
}

// Write sends b as one packet. It waits while earlier packets await the
// controller, such as over a link that is stalled. If it returns an error, it
// has sent nothing. The error matches syscall.EMSGSIZE if b is longer than the
// peer accepts.
func (c *L2CAPConn) Write(b []byte) (int, error) {
	n, err := c.conn.Write(b)
	return n, c.error("write", err)
}

// Close closes the channel. It does not wait for the peer. Written packets
// still arrive.
func (c *L2CAPConn) Close() error { return c.error("close", c.conn.Close()) }

// LocalAddr returns the L2CAPAddr of this end.
func (c *L2CAPConn) LocalAddr() net.Addr {
	local, _ := c.addrs()
	return local
}

// RemoteAddr returns the L2CAPAddr of the peer.
func (c *L2CAPConn) RemoteAddr() net.Addr {
	_, remote := c.addrs()
	return remote
}

func (c *L2CAPConn) addrs() (local, remote L2CAPAddr) {
	local.Device, remote.Device = c.device.Addr(), rfcomm.BDAddr(c.conn.Peer())
	if c.conn.Dialed() {
		remote.PSM = c.conn.PSM()
	} else {
		local.PSM = c.conn.PSM()
	}
	return local, remote
}

// CIDs returns the channel identifiers of this end and of the peer, for
// SendFrame.
func (c *L2CAPConn) CIDs() (local, remote uint16) { return c.conn.CIDs() }

// SetDeadline sets the deadlines of Read and Write.
func (c *L2CAPConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of Read.
func (c *L2CAPConn) SetReadDeadline(t time.Time) error {
	return c.error("set", c.conn.SetReadDeadline(t))
}

// SetWriteDeadline sets the deadline of Write.
func (c *L2CAPConn) SetWriteDeadline(t time.Time) error {
	return c.error("set", c.conn.SetWriteDeadline(t))
}

// error returns err as the error of an operation, as package net does. The end
// of the stream remains io.EOF.
func (c *L2CAPConn) error(op string, err error) error {
	return opError(op, c.LocalAddr(), c.RemoteAddr(), err)
}

// An L2CAPListener accepts channels to a PSM of a Device.
type L2CAPListener struct {
	listener *l2cap.Listener
	device   *Device
	psm      uint16
}

// Accept is AcceptL2CAP.
func (l *L2CAPListener) Accept() (net.Conn, error) {
	conn, err := l.AcceptL2CAP()
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// AcceptL2CAP returns the next channel. The device opens channels before Accept
// is called; a peer may have closed a channel again.
func (l *L2CAPListener) AcceptL2CAP() (*L2CAPConn, error) {
	conn, err := l.listener.Accept()
	if err != nil {
		return nil, l.error("accept", err)
	}
	return &L2CAPConn{conn, l.device}, nil
}

// Refuse makes the device refuse channels to the PSM with the given result of
// a connection response, such as 3 for a security block (Volume 3, Part A,
// section 4.3). The result 0 makes it accept them again.
func (l *L2CAPListener) Refuse(result uint16) { l.listener.Refuse(l2cap.Result(result)) }

// Close makes the device refuse further channels. It closes those that Accept
// has not returned.
func (l *L2CAPListener) Close() error { return l.error("close", l.listener.Close()) }

// Addr returns the L2CAPAddr of the listener.
func (l *L2CAPListener) Addr() net.Addr { return L2CAPAddr{l.device.Addr(), l.psm} }

// SetDeadline sets the deadline of Accept.
func (l *L2CAPListener) SetDeadline(t time.Time) error {
	return l.error("set", l.listener.SetDeadline(t))
}

func (l *L2CAPListener) error(op string, err error) error { return opError(op, nil, l.Addr(), err) }

// opError returns err as the error of an operation, with the addresses that it
// is about.
func opError(op string, source, addr net.Addr, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return l2capNetwork.OpError(op, source, addr, err)
}
