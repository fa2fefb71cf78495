package air

import "time"

// A Duration is what was transmitted since the start, in exchanges that are over.
// It counts packets that had to be sent again, as often as they were sent, and
// nothing that takes no time on the air.
type Duration struct {
	Slots   int                 // all, with the empty ones in return
	Packets map[PacketTypes]int // how many of each type; without the empty ones
	Bytes   int                 // of ACL data
}

// Airtime is how long the medium was taken.
func (u Duration) Airtime() time.Duration { return time.Duration(u.Slots) * SlotTime }

// A counter counts what is transmitted.
type counter struct {
	slots, bytes int
	packets      [len(kinds)]int
}

func (c *counter) add(l *transmission) {
	c.slots += l.slots()
	if l.from != nil {
		c.bytes += l.bytes
		c.packets[l.packet.Type.index()]++
	}
}

func (c *counter) airtime() Duration {
	u := Duration{Slots: c.slots, Bytes: c.bytes, Packets: make(map[PacketTypes]int)}
	for i, n := range c.packets {
		if n != 0 {
			u.Packets[1<<i] = n
		}
	}
	return u
}
