package rfcomm

import (
	"encoding"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"strings"
)

var (
	_ net.Addr                 = Addr{}
	_ encoding.TextMarshaler   = Addr{}
	_ encoding.TextUnmarshaler = (*Addr)(nil)
	_ encoding.TextMarshaler   = BDAddr{}
	_ encoding.TextUnmarshaler = (*BDAddr)(nil)
)

// A BDAddr is a Bluetooth device address (BD_ADDR), the most significant byte
// first, as in its written form. The zero value means any adapter. BDAddr
// values are comparable.
type BDAddr [6]byte

const bdaddrForm = "; it should look like 01:23:45:67:89:AB"

// bdaddrError returns the error of ParseBDAddr. It names a blank around the
// address, as from pasted text, because a blank is invisible in a message.
func bdaddrError(s string) error {
	if trimmed := strings.TrimSpace(s); trimmed != s {
		if _, err := ParseBDAddr(trimmed); err == nil {
			return &net.AddrError{Err: "blank before or after the Bluetooth device address" + bdaddrForm, Addr: s}
		}
	}
	return &net.AddrError{Err: "malformed Bluetooth device address" + bdaddrForm, Addr: s}
}

// ParseBDAddr parses an address of the form "01:23:45:67:89:AB" or, as printed
// by Windows, "01-23-45-67-89-AB", in upper or lower case. Errors are
// *net.AddrError.
func ParseBDAddr(s string) (BDAddr, error) {
	var a BDAddr
	if len(s) != len("01:23:45:67:89:AB") || s[2] != ':' && s[2] != '-' {
		return BDAddr{}, bdaddrError(s)
	}
	for i := range a {
		digits, separator := s[3*i:3*i+2], s[3*i+2:]
		if _, err := hex.Decode(a[i:i+1], []byte(digits)); err != nil || i < len(a)-1 && separator[0] != s[2] {
			return BDAddr{}, bdaddrError(s)
		}
	}
	return a, nil
}

// String returns the address in the form "01:23:45:67:89:AB", in upper case.
func (a BDAddr) String() string {
	return string(a.append(nil))
}

func (a BDAddr) append(b []byte) []byte {
	const digits = "0123456789ABCDEF"
	for i, octet := range a {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, digits[octet>>4], digits[octet&0xf])
	}
	return b
}

// IsZero reports whether a is the zero address, which means any adapter.
func (a BDAddr) IsZero() bool { return a == BDAddr{} }

// MarshalText implements [encoding.TextMarshaler]. It returns the address in
// the form of String.
func (a BDAddr) MarshalText() ([]byte, error) { return a.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts the forms
// that [ParseBDAddr] accepts.
func (a *BDAddr) UnmarshalText(text []byte) error {
	parsed, err := ParseBDAddr(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// RFCOMM has channels 1 to 30 (RFCOMM specification, section 5.4: DLCI 2–61,
// one bit of which is the direction). A listener on channel 0 gets a free
// channel.
const (
	minChannel = 1
	maxChannel = 30
)

// checkChannel returns an error if channel is outside the range lowest to 30.
// Lowest is 0 or 1.
func checkChannel(channel, lowest int) error {
	if channel < lowest || channel > maxChannel {
		return channelError(strconv.Itoa(channel))
	}
	return nil
}

func channelError(channel string) error {
	return &net.AddrError{Err: "no such channel; RFCOMM has channels 1 to 30 (and 0 to listen on a free one)", Addr: channel}
}

// An Addr is the address of one end of an RFCOMM connection: a device and a
// channel.
//
// A connection has a single channel number, that of the server. The addresses
// of both ends contain it.
type Addr struct {
	Device  BDAddr // zero means any adapter
	Channel int    // 1 to 30; 0 means a free channel (to listen), or none
}

// ParseAddr parses an address of the form "[01:23:45:67:89:AB]:11". An address
// without a device, such as ":11", means any adapter. The channel must be in
// the range 0 to 30. Errors are *net.AddrError.
func ParseAddr(s string) (Addr, error) {
	malformed := &net.AddrError{Err: "malformed RFCOMM address; it should look like [01:23:45:67:89:AB]:11 or :11", Addr: s}
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return Addr{}, malformed
	}
	device, channel := s[:colon], s[colon+1:]

	var a Addr
	if device != "" {
		if len(device) < 2 || device[0] != '[' || device[len(device)-1] != ']' {
			return Addr{}, malformed
		}
		var err error
		if a.Device, err = ParseBDAddr(device[1 : len(device)-1]); err != nil {
			return Addr{}, err
		}
	}
	n, err := strconv.Atoi(channel)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return Addr{}, channelError(channel)
	case err != nil, channel[0] == '+', n == 0 && channel[0] == '-':
		return Addr{}, malformed
	}
	if err := checkChannel(n, 0); err != nil {
		return Addr{}, err
	}
	a.Channel = n
	return a, nil
}

// Network returns "rfcomm".
func (a Addr) Network() string { return network }

// String returns the address in the form that [ParseAddr] accepts.
func (a Addr) String() string { return string(a.append(nil)) }

func (a Addr) append(b []byte) []byte {
	if !a.Device.IsZero() {
		b = append(a.Device.append(append(b, '[')), ']')
	}
	return strconv.AppendInt(append(b, ':'), int64(a.Channel), 10)
}

// MarshalText implements [encoding.TextMarshaler]. It returns the address in
// the form of String.
func (a Addr) MarshalText() ([]byte, error) { return a.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It accepts the forms
// that [ParseAddr] accepts.
func (a *Addr) UnmarshalText(text []byte) error {
	parsed, err := ParseAddr(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// HostPort returns the address as the host and port of a URL, in the form
// "01-23-45-67-89-AB:20", which [Dialer.DialHost] accepts.
func (a Addr) HostPort() string {
	return strings.ReplaceAll(a.Device.String(), ":", "-") + ":" + strconv.Itoa(a.Channel)
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
	return &net.AddrError{Err: cause + "; the address should look like 01-23-45-67-89-AB:20", Addr: address}
}

// source returns a as the Source of a net.OpError: nil if a is the zero Addr.
func (a Addr) source() net.Addr {
	if a == (Addr{}) {
		return nil
	}
	return a
}
