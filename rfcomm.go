package rfcomm

import (
	"context"
	"net"
)

// network is the name of the network in addresses and errors.
const network = "rfcomm"

// Operation names, the Op of a net.OpError.
const (
	opAccept     = "accept"
	opAdapters   = "adapters"
	opClose      = "close"
	opDial       = "dial"
	opFile       = "file"
	opListen     = "listen"
	opRawControl = "raw-control"
	opRawRead    = "raw-read"
	opRawWrite   = "raw-write"
	opRead       = "read"
	opSecurity   = "security"
	opSet        = "set"
	opWrite      = "write"
)

// The system calls whose errors get likely causes in several places.
const (
	callBind    = "bind"
	callConnect = "connect"
)

// Dial connects to a channel, 1 to 30, of the device with the given address,
// such as "01:23:45:67:89:AB". The connection is always a *[Conn].
//
// Dial is short for [Dialer.DialRFCOMM] of a zero Dialer: the kernel picks the
// adapter to dial from, and the dial takes as long as the kernel allows, which
// is about 5 s if the device is unreachable. See [Dialer.Timeout].
func Dial(bdaddr string, channel int) (net.Conn, error) {
	device, err := ParseBDAddr(bdaddr)
	if err != nil {
		return nil, opError(opDial, nil, nil, err)
	}
	conn, err := new(Dialer).DialRFCOMM(context.Background(), Addr{Device: device, Channel: channel})
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Listen listens on a channel, 1 to 30, of every adapter. If channel is 0,
// Listen picks the first channel that is free on every adapter, which the
// listener's Addr reports. The listener is always a *[Listener]. See
// [ListenConfig.ListenRFCOMM].
func Listen(channel int) (net.Listener, error) {
	listener, err := new(ListenConfig).ListenRFCOMM(context.Background(), Addr{Channel: channel})
	if err != nil {
		return nil, err
	}
	return listener, nil
}
