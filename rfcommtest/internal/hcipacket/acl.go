package hcipacket

import "encoding/binary"

// A Handle is a Connection_Handle: a controller's number for one of its
// connections, used by its host. The controller at the other end has a handle
// of its own.
type Handle uint16

// MaxHandle is the largest Handle (Volume 4, Part E, section 5.4.2).
const MaxHandle Handle = 0x0eff

// A Boundary is a Packet_Boundary_Flag (Volume 4, Part E, section 5.4.2): the
// position of a fragment within an L2CAP packet.
type Boundary byte

// The boundaries on a BR/EDR connection. Hosts send both kinds of first
// fragments; controllers always send FirstFlushable.
const (
	FirstNonFlushable Boundary = 0
	Continuing        Boundary = 1
	FirstFlushable    Boundary = 2
)

// An ACL is a packet of ACL data: a fragment of an L2CAP packet.
type ACL struct {
	Handle   Handle
	Boundary Boundary
	Data     []byte // at most 65,535 bytes; controllers accept less
}

// ParseACL decodes a packet of ACL data. The result refers to packet.
func ParseACL(packet []byte) (ACL, error) {
	head, rest, err := split(packet, KindACL, 4, func(head []byte) int { return int(binary.LittleEndian.Uint16(head[2:])) })
	if err != nil {
		return ACL{}, err
	}
	first := binary.LittleEndian.Uint16(head)
	return ACL{Handle(first & 0x0fff), Boundary(first >> 12 & 3), rest}, nil
}

// Append appends the encoded packet to b.
func (a ACL) Append(b []byte) []byte {
	b = append(b, byte(KindACL))
	b = binary.LittleEndian.AppendUint16(b, uint16(a.Handle&0x0fff)|uint16(a.Boundary&3)<<12)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(a.Data)))
	return append(b, a.Data...)
}
