// Package hcipacket reads and writes the packets between a Bluetooth host and
// its controller: HCI commands, events and ACL data, each behind a byte that
// tells its kind (Bluetooth Core Specification, Volume 4: Part A for that byte,
// which it calls the H:4 packet indicator, and Part E for the rest).
//
// Numbers are little-endian, and so are addresses: the byte that is written
// first, in text, comes last.
package hcipacket

import "fmt"

// A Kind is the byte before a packet (Volume 4, Part A, section 2).
type Kind byte

// The kinds of packets that BR/EDR without audio needs, and the one that the
// Linux kernel's virtual controllers are set up with.
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

// split takes the kind and a header of some bytes off a packet, and checks that
// what follows has the length that the header tells.
func split(packet []byte, kind Kind, header int, length func(header []byte) int) (head, rest []byte, err error) {
	if len(packet) == 0 || Kind(packet[0]) != kind {
		return nil, nil, fmt.Errorf("hcipacket: no %v: % x", kind, packet[:min(len(packet), 8)])
	}
	if len(packet) < 1+header {
		return nil, nil, fmt.Errorf("hcipacket: %v of %d bytes, which is less than its header", kind, len(packet))
	}
	head, rest = packet[1:1+header], packet[1+header:]
	if want := length(head); len(rest) != want {
		return nil, nil, fmt.Errorf("hcipacket: %v with %d bytes after its header, which tells of %d", kind, len(rest), want)
	}
	return head, rest, nil
}
