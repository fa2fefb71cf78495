package air

import (
	"math/bits"
	"strings"
)

// PacketTypes is a set of types of packets that carry ACL data (Core
// Specification, Volume 2, Part B, section 6.5.4).
type PacketTypes uint16

// The types of packets. DM packets have forward error correction, DH packets do
// not. The digit at the end is the number of slots. 2-DH and 3-DH packets use
// the enhanced data rates of 2 and 3 Mb/s.
const (
	DM1 PacketTypes = 1 << iota
	DH1
	DM3
	DH3
	DM5
	DH5
	TwoDH1
	TwoDH3
	TwoDH5
	ThreeDH1
	ThreeDH3
	ThreeDH5
)

// The sets that controllers support.
const (
	BasicRate = DM1 | DH1 | DM3 | DH3 | DM5 | DH5     // no enhanced data rate
	EDR2      = BasicRate | TwoDH1 | TwoDH3 | TwoDH5  // up to 2 Mb/s
	EDR3      = EDR2 | ThreeDH1 | ThreeDH3 | ThreeDH5 // up to 3 Mb/s
)

// FromHCI returns the types that the parameter Packet_Type of
// HCI_Create_Connection allows (Core Specification, Volume 4, Part E, section
// 7.1.5). A set bit for a type of the basic rate allows the type; a set bit for
// a type of the enhanced data rates forbids it. DM1 is always allowed.
func FromHCI(packetType uint16) PacketTypes {
	t := DM1
	for i := range kinds {
		k := &kinds[i]
		if (packetType&k.allowedBy != 0) || (k.forbiddenBy != 0 && packetType&k.forbiddenBy == 0) {
			t |= k.Type
		}
	}
	return t
}

// String returns the names in the specification, as in "DM1|3-DH5".
func (t PacketTypes) String() string {
	if t == 0 {
		return "none"
	}
	var names []string
	for i := range kinds {
		if t&kinds[i].Type != 0 {
			names = append(names, kinds[i].name)
		}
	}
	return strings.Join(names, "|")
}

// index returns the position of a single type in kinds.
func (t PacketTypes) index() int { return bits.TrailingZeros16(uint16(t)) }
