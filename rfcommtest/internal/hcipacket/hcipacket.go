// Package hcipacket encodes and decodes the packets between a Bluetooth host
// and its controller: HCI commands, events and ACL data (Bluetooth Core
// Specification, Volume 4, Part E). Each packet follows a byte that specifies
// its kind, the packet indicator of the UART transport (H4, Volume 4, Part A).
//
// Numbers are little-endian. So are addresses: the first byte of the text form
// is the last byte in a packet.
package hcipacket

import "fmt"

// A Kind is the byte before a packet (Volume 4, Part A, section 2).
type Kind byte

// The kinds of packets for BR/EDR without audio, and the kind that sets up the
// Linux kernel's virtual controllers.
const (
	KindCommand Kind = 0x01
	KindACL     Kind = 0x02
	KindEvent   Kind = 0x04
	KindVendor  Kind = 0xff
)

func (k Kind) String() string {
	switch k {
	case KindCommand:
		return "command"
	case KindACL:
		return "ACL data"
	case KindEvent:
		return "event"
	case KindVendor:
		return "vendor packet"
	}
	return fmt.Sprintf("packet of kind 0x%02x", byte(k))
}

// split removes the kind and the header from a packet. It checks that the rest
// has the length that the header specifies.
func split(packet []byte, kind Kind, header int, length func(header []byte) int) (head, rest []byte, err error) {
	if len(packet) == 0 || Kind(packet[0]) != kind {
		return nil, nil, fmt.Errorf("hcipacket: not a %v: % x", kind, packet[:min(len(packet), 8)])
	}
	if len(packet) < 1+header {
		return nil, nil, fmt.Errorf("hcipacket: %v of %d bytes is shorter than its header", kind, len(packet))
	}
	head, rest = packet[1:1+header], packet[1+header:]
	if want := length(head); len(rest) != want {
		return nil, nil, fmt.Errorf("hcipacket: %v has %d bytes after its header, which specifies %d", kind, len(rest), want)
	}
	return head, rest, nil
}
