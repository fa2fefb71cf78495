// Package l2cap connects to L2CAP services, and listens for such connections,
// by sockets of the kind SOCK_SEQPACKET. Connections are net.Conn values that
// keep the boundaries of packets: each Write sends one packet, and each Read
// returns one.
//
// Channels are in basic mode, which neither repeats lost packets nor slows a
// sender down: see package btsocket. That suits protocols with one request at a
// time, such as SDP. On platforms other than Linux, Dial and Listen fail with
// errors.ErrUnsupported.
package l2cap

import (
	"context"
	"fmt"
	"net"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// network describes the errors of this package.
var network = neterr.Network{Name: "l2cap", Hints: hints}

// Operation names, the Op of a net.OpError.
const (
	opAccept = "accept"
	opClose  = "close"
	opDial   = "dial"
	opListen = "listen"
	opRead   = "read"
	opSet    = "set"
	opWrite  = "write"
)

// An Addr is the address of an L2CAP service, or of the end of a connection
// that dialed.
type Addr struct {
	Device rfcomm.BDAddr // zero means any adapter
	PSM    uint16        // the number of the service; 0 at the end that dialed
}

// Network returns "l2cap".
func (Addr) Network() string { return network.Name }

// String returns the address in the form "[01:23:45:67:89:AB]:1". It leaves out
// a device or a PSM that is zero, as in ":1" and "[01:23:45:67:89:AB]".
func (a Addr) String() string {
	switch {
	case a.Device.IsZero():
		return fmt.Sprintf(":%d", a.PSM)
	case a.PSM == 0:
		return fmt.Sprintf("[%s]", a.Device)
	}
	return fmt.Sprintf("[%s]:%d", a.Device, a.PSM)
}

// source returns a as the Source of a net.OpError: nil if a is the zero Addr.
func (a Addr) source() net.Addr {
	if a == (Addr{}) {
		return nil
	}
	return a
}

// checkPSM returns an error unless the PSM is valid: its least significant byte
// is odd and its most significant byte is even (Core Specification, Volume 3,
// Part A, section 4.2).
func (a Addr) checkPSM() error {
	if a.PSM&0x0101 != 0x0001 {
		return &net.AddrError{Err: fmt.Sprintf("invalid PSM %#04x: the low byte must be odd and the high byte even", a.PSM), Addr: a.String()}
	}
	return nil
}

// Dial connects to a service of a device from the given adapter, or from one
// that the kernel picks if adapter is zero. It needs no privilege. It requests
// no security level: a connection to SDP (PSM 1) needs no pairing.
//
// If ctx is done before the connection is complete, Dial returns at once with
// an error that matches the context's. The kernel continues to page the device
// for a few seconds; if it answers, it sees a connection that closes at once.
// Once connected, ctx has no effect on the connection. Errors are *net.OpError.
//
// Dial retries as package redial decides, for example while the kernel takes a
// link to the device down. Unlike RFCOMM's, a refusal is final.
func Dial(ctx context.Context, adapter rfcomm.BDAddr, raddr Addr) (*Conn, error) {
	conn, err := dial(ctx, adapter, raddr)
	if err != nil {
		return nil, network.OpError(opDial, Addr{Device: adapter}.source(), raddr, err)
	}
	return conn, nil
}

// dial checks the arguments before any socket is created, and connects.
func dial(ctx context.Context, adapter rfcomm.BDAddr, raddr Addr) (*Conn, error) {
	if raddr.Device.IsZero() {
		return nil, &net.AddrError{Err: "missing device address: a dial needs one", Addr: raddr.String()}
	}
	if err := raddr.checkPSM(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, neterr.Context(err)
	}
	return dialWithRetries(ctx, adapter, raddr)
}

// Listen listens on the PSM of laddr, of one adapter or, if its Device is zero,
// of every adapter. The error matches EADDRINUSE if another socket is bound to
// the same address, and EACCES if the PSM is below 0x1001 and the process lacks
// CAP_NET_BIND_SERVICE. Errors are *net.OpError.
//
// If listeners on an adapter's address and on every adapter share a PSM, the
// one that was bound first receives all connections.
func Listen(laddr Addr) (*Listener, error) {
	err := laddr.checkPSM()
	if err == nil {
		var l *Listener
		if l, err = listen(laddr); err == nil {
			return l, nil
		}
	}
	return nil, network.OpError(opListen, nil, laddr, err)
}
