package btsocket

// An Air says how an adapter sends, as far as the time on the air of a frame
// depends on it. The zero value stands for an adapter of which nothing is known.
type Air struct {
	// ACLLength is the most bytes that the kernel hands the controller at once
	// (acl_mtu). It cuts longer frames.
	ACLLength int

	// Packets are the most bytes that a packet of 1, of 3 and of 5 slots
	// carries. Another slot belongs to the answer, so these take 1, 2 and 3
	// pairs of slots; a pair is 1250 µs.
	Packets [3]int
}

// frame returns the pairs of slots that an RFCOMM frame with so many bytes of
// data takes. No two fragments share a packet.
func (a Air) frame(data int) int {
	if data == 0 {
		return 0
	}
	const (
		rfcomm = 1 + 1 + 1 + 1 // address, control, length, checksum (rfcomm_make_uih)
		l2cap  = 2 + 2         // length, channel
	)
	length := l2cap + rfcomm + data
	if data > 127 {
		length++ // the length takes two bytes
	}
	return length/a.ACLLength*a.fragment(a.ACLLength) + a.fragment(length%a.ACLLength)
}

// fragment returns the pairs of slots for what the controller gets at once: it
// sends the longest packets while there is more, then the shortest that does.
func (a Air) fragment(length int) int {
	longest := a.Packets[len(a.Packets)-1]
	pairs := length / longest * len(a.Packets)
	if rest := length % longest; rest > 0 {
		for i, carries := range a.Packets {
			if rest <= carries {
				return pairs + i + 1
			}
		}
	}
	return pairs
}
