package air

import "time"

// Airtime describes the traffic in exchanges that have ended. It counts
// retransmitted packets each time, and nothing that takes no air time.
type Airtime struct {
	Slots   int                 // of all packets, including the empty ones in return
	Packets map[PacketTypes]int // the number of packets of each type, without the empty ones
	Bytes   int                 // of ACL data
}

// Duration returns the duration of the slots.
func (a Airtime) Duration() time.Duration { return time.Duration(a.Slots) * SlotTime }

// A counter counts traffic.
type counter struct {
	slots, bytes int
	packets      [len(kinds)]int
}

func (c *counter) add(t *transmission) {
	c.slots += t.slots()
	if t.from != nil {
		c.bytes += t.bytes
		c.packets[t.packet.Type.index()]++
	}
}

func (c *counter) airtime() Airtime {
	a := Airtime{Slots: c.slots, Bytes: c.bytes, Packets: make(map[PacketTypes]int)}
	for i, n := range c.packets {
		if n != 0 {
			a.Packets[1<<i] = n
		}
	}
	return a
}
