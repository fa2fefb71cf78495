package rfcommtest

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
)

// PacketTypes is a set of baseband packet types that carry ACL data (Core
// Specification, Volume 2, Part B, section 6.5). The digit at the end of a name
// is the number of slots, of 625 µs each. DM packets carry less data than DH
// packets and are better protected. Names with the prefix Two (2-DH) and Three
// (3-DH) are for 2 and 3 Mbit/s.
type PacketTypes uint16

// The packet types. The comments give the maximum number of data bytes.
const (
	DM1      PacketTypes = PacketTypes(air.DM1)      // 17
	DH1      PacketTypes = PacketTypes(air.DH1)      // 27
	DM3      PacketTypes = PacketTypes(air.DM3)      // 121
	DH3      PacketTypes = PacketTypes(air.DH3)      // 183
	DM5      PacketTypes = PacketTypes(air.DM5)      // 224
	DH5      PacketTypes = PacketTypes(air.DH5)      // 339
	TwoDH1   PacketTypes = PacketTypes(air.TwoDH1)   // 54
	TwoDH3   PacketTypes = PacketTypes(air.TwoDH3)   // 367
	TwoDH5   PacketTypes = PacketTypes(air.TwoDH5)   // 679
	ThreeDH1 PacketTypes = PacketTypes(air.ThreeDH1) // 83
	ThreeDH3 PacketTypes = PacketTypes(air.ThreeDH3) // 552
	ThreeDH5 PacketTypes = PacketTypes(air.ThreeDH5) // 1021
)

// The sets that devices support: all packet types of up to 1, 2 or 3 Mbit/s.
const (
	BasicRate PacketTypes = PacketTypes(air.BasicRate)
	EDR2      PacketTypes = PacketTypes(air.EDR2)
	EDR3      PacketTypes = PacketTypes(air.EDR3)
)

// String returns the names of the packet types, such as "DM1|3-DH5".
func (p PacketTypes) String() string { return air.PacketTypes(p).String() }

// Airtime describes the traffic on the air. Its slots are counted exactly, even
// on a busy machine that wakes up late, so tests may depend on them.
//
// A packet is counted together with the packet in return, when that has ended.
// A packet that is still on the air is not counted yet. Data that is
// retransmitted after a stall is counted each time.
type Airtime struct {
	Slots   int                 // of all packets, including the empty ones in return
	Packets map[PacketTypes]int // the number of packets of each type
	Bytes   int                 // of ACL data, including the headers of L2CAP and RFCOMM
}

// Duration returns the duration of the slots.
func (a Airtime) Duration() time.Duration { return time.Duration(a.Slots) * air.SlotTime }

func airtimeOf(traffic air.Airtime) Airtime {
	a := Airtime{Slots: traffic.Slots, Bytes: traffic.Bytes, Packets: make(map[PacketTypes]int)}
	for kind, n := range traffic.Packets {
		a.Packets[PacketTypes(kind)] = n
	}
	return a
}
