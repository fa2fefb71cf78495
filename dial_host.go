package rfcomm

import (
	"context"
	"net"
	"strconv"
	"strings"
)

const hostExample = "01-23-45-67-89-AB:20"

// HostPort returns the address as the host and the port of a URL, in the form
// "01-23-45-67-89-AB:20", which [Dialer.DialHost] accepts.
func (a Addr) HostPort() string {
	return strings.ReplaceAll(a.Device.String(), ":", "-") + ":" + strconv.Itoa(a.Channel)
}

// DialHost is like [Dialer.DialContext] for programs that name a server by a
// host and a port, such as those with URLs. It can be the DialContext of an
// http.Transport. Address is a device address with dashes, in upper or lower
// case, and the channel as the port: "01-23-45-67-89-AB:20", as in the URL
// http://01-23-45-67-89-AB:20/. A URL without a port does not work, because
// its scheme stands for a port that is not an RFCOMM channel. Network must be
// "tcp" or "rfcomm".
//
// Between two adapters only one connection to a channel is possible at a time.
// Set MaxConnsPerHost of an http.Transport to 1, so that parallel requests wait
// for the connection instead of failing with EBUSY.
func (d *Dialer) DialHost(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		if err := rfcommNetwork.Check(network); err != nil {
			return nil, opError(opDial, d.LocalAddr.source(), nil, err)
		}
	}
	return d.dialParsed(ctx, address, parseHostPort)
}

// parseHostPort parses the address of DialHost.
func parseHostPort(address string) (Addr, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return Addr{}, hostError("missing channel", address)
	}
	var a Addr
	if a.Device, err = ParseBDAddr(host); err != nil {
		return Addr{}, hostError("the host is not a Bluetooth device address", address)
	}
	a.Channel, err = strconv.Atoi(port)
	if err != nil || strconv.Itoa(a.Channel) != port || checkChannel(a.Channel, minChannel) != nil {
		return Addr{}, hostError("the port is not an RFCOMM channel, 1 to 30", address)
	}
	return a, nil
}

func hostError(cause, address string) error {
	return &net.AddrError{Err: cause + "; the address should look like " + hostExample, Addr: address}
}
