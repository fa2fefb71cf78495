package rfcommtest

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
)

// PacketTypes is a set of the packets that carry ACL data on the air. The number
// in a name is how many slots of 625 µs one takes; M packets have less room and
// more protection than H packets; 2- and 3- are for 2 and 3 Mbit/s (Core
// Specification, Volume 2, Part B, section 6.5).
type PacketTypes uint16

// The packets, with the most bytes of data that one holds.
const (
	DM1      = PacketTypes(air.DM1)      // 17
	DH1      = PacketTypes(air.DH1)      // 27
	DM3      = PacketTypes(air.DM3)      // 121
	DH3      = PacketTypes(air.DH3)      // 183
	DM5      = PacketTypes(air.DM5)      // 224
	DH5      = PacketTypes(air.DH5)      // 339
	TwoDH1   = PacketTypes(air.TwoDH1)   // 54
	TwoDH3   = PacketTypes(air.TwoDH3)   // 367
	TwoDH5   = PacketTypes(air.TwoDH5)   // 679
	ThreeDH1 = PacketTypes(air.ThreeDH1) // 83
	ThreeDH3 = PacketTypes(air.ThreeDH3) // 552
	ThreeDH5 = PacketTypes(air.ThreeDH5) // 1021
)

// What devices have: the packets of 1 Mbit/s alone, those of 2 Mbit/s besides, or
// all.
const (
	BasicRate = PacketTypes(air.BasicRate)
	EDR2      = PacketTypes(air.EDR2)
	EDR3      = PacketTypes(air.EDR3)
)

// String returns the names of the packets.
func (p PacketTypes) String() string { return air.PacketTypes(p).String() }

// Airtime is what was transmitted. It counts slots exactly, however late a busy
// machine wakes up, and so tests may rely on it.
//
// A packet counts when it has been answered, together with the packet in return: what
// is on the air still is not in it. Data that is sent again after a stall counts
// again, as often as it was sent.
type Airtime struct {
	Slots   int                 // all of them, the empty ones in return included
	Packets map[PacketTypes]int // how many of each type
	Bytes   int                 // of ACL data: with the headers of L2CAP and RFCOMM
}

// Duration returns how long the slots take.
func (a Airtime) Duration() time.Duration { return time.Duration(a.Slots) * air.SlotTime }

func airtimeOf(use air.Duration) Airtime {
	a := Airtime{Slots: use.Slots, Bytes: use.Bytes, Packets: make(map[PacketTypes]int)}
	for kind, n := range use.Packets {
		a.Packets[PacketTypes(kind)] = n
	}
	return a
}
