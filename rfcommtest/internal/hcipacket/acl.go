package hcipacket

import "encoding/binary"

// A Handle is a controller's number for one of its links. Its host uses it to
// name the link; the controller at the other end has a number of its own.
type Handle uint16

// MaxHandle is the largest Handle (Volume 4, Part E, section 5.4.2).
const MaxHandle Handle = 0x0eff

// A Boundary tells where in an L2CAP packet a fragment lies (Volume 4, Part E,
// section 5.4.2: Packet_Boundary_Flag).
type Boundary byte

// The boundaries of a BR/EDR link. Hosts send both kinds of a first fragment;
// what controllers give them is always FirstFlushable.
const (
	FirstNonFlushable Boundary = 0
	Continuing        Boundary = 1
	FirstFlushable    Boundary = 2
)

// An ACL is a fragment of what is sent over a link.
type ACL struct {
	Handle   Handle
	Boundary Boundary
	Data     []byte // at most 65,535 bytes; controllers take less
}

// ParseACL reads a packet of ACL data. Its data is part of packet.
func ParseACL(packet []byte) (ACL, error) {
	head, rest, err := split(packet, KindACL, 4, func(head []byte) int { return int(binary.LittleEndian.Uint16(head[2:])) })
	if err != nil {
		return ACL{}, err
	}
	first := binary.LittleEndian.Uint16(head)
	return ACL{Handle(first & 0x0fff), Boundary(first >> 12 & 3), rest}, nil
}

// Append appends the packet to b.
func (a ACL) Append(b []byte) []byte {
	b = append(b, byte(KindACL))
	b = binary.LittleEndian.AppendUint16(b, uint16(a.Handle&0x0fff)|uint16(a.Boundary&3)<<12)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(a.Data)))
	return append(b, a.Data...)
}
