package air

import "time"

// SlotTime is the length of a slot (Core Specification, Volume 2, Part B,
// section 2.2.3).
const SlotTime = 625 * time.Microsecond

// A Packet describes a baseband packet for ACL data.
type Packet struct {
	Type    PacketTypes // exactly one type
	Payload int         // the maximum number of ACL data bytes
	Slots   int         // the duration: 1, 3 or 5 slots
}

// kinds holds every type of packet, in the order of the bits of PacketTypes
// (Core Specification, Volume 2, Part B, section 6.5.4 and table 6.10), with
// the bits of Packet_Type in HCI that allow or forbid it.
var kinds = [...]struct {
	Packet
	name                   string
	allowedBy, forbiddenBy uint16
}{
	{Packet{DM1, 17, 1}, "DM1", 0x0008, 0},
	{Packet{DH1, 27, 1}, "DH1", 0x0010, 0},
	{Packet{DM3, 121, 3}, "DM3", 0x0400, 0},
	{Packet{DH3, 183, 3}, "DH3", 0x0800, 0},
	{Packet{DM5, 224, 5}, "DM5", 0x4000, 0},
	{Packet{DH5, 339, 5}, "DH5", 0x8000, 0},
	{Packet{TwoDH1, 54, 1}, "2-DH1", 0, 0x0002},
	{Packet{TwoDH3, 367, 3}, "2-DH3", 0, 0x0100},
	{Packet{TwoDH5, 679, 5}, "2-DH5", 0, 0x1000},
	{Packet{ThreeDH1, 83, 1}, "3-DH1", 0, 0x0004},
	{Packet{ThreeDH3, 552, 3}, "3-DH3", 0, 0x0200},
	{Packet{ThreeDH5, 1021, 5}, "3-DH5", 0, 0x2000},
}

// Packets returns the packets that carry an ACL fragment of n bytes. Packets
// with the largest payload come first, while more data is left than one of them
// holds. The last packet is the one with the fewest slots that holds the rest;
// if several have equally few, it is the one with the smallest payload, which
// is the most robust. DM1 is always allowed. An empty fragment takes one
// packet. If t is empty, Packets returns nil.
func (t PacketTypes) Packets(n int) []Packet {
	if t == 0 {
		return nil
	}
	var packets []Packet
	for {
		p := t.next(n)
		packets = append(packets, p)
		if n -= p.Payload; n <= 0 {
			return packets
		}
	}
}

// Slots returns the number of slots that an ACL fragment of n bytes takes if
// the other end has nothing to send: the slots of its packets, and one slot in
// return for each.
func (t PacketTypes) Slots(n int) int {
	slots := 0
	for _, p := range t.Packets(n) {
		slots += p.Slots + 1
	}
	return slots
}

// next returns the packet that carries the first part of n bytes.
func (t PacketTypes) next(n int) Packet {
	t |= DM1
	var largest, fitting Packet
	for i := range kinds {
		p := kinds[i].Packet
		if t&p.Type == 0 {
			continue
		}
		if p.Payload > largest.Payload {
			largest = p
		}
		if p.Payload >= n && (fitting.Slots == 0 || p.Slots < fitting.Slots ||
			p.Slots == fitting.Slots && p.Payload < fitting.Payload) {
			fitting = p
		}
	}
	if fitting.Slots != 0 {
		return fitting
	}
	return largest
}
