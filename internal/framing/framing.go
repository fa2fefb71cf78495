// Package framing computes how RFCOMM frames fill baseband packets, and cuts
// the data of a stream so that the frames fill their packets.
//
// It performs no I/O. Air describes how an adapter sends, and a Chunker plans
// the length of each write(2).
package framing

// An Air describes how an adapter sends, as far as the air time of a frame
// depends on it. The zero value describes an unknown adapter.
type Air struct {
	// ACLLength is the maximum number of bytes that the kernel hands the
	// controller at once (acl_mtu). The kernel fragments longer frames.
	ACLLength int

	// Packets holds the maximum number of bytes that a packet of 1, of 3 and
	// of 5 slots carries. The answer takes another slot, so these packets take
	// 1, 2 and 3 pairs of slots. A pair takes 1250 µs.
	Packets [3]int
}

// frame returns the number of pairs of slots that an RFCOMM frame with data
// bytes of data takes. Two fragments never share a packet.
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
		length++ // the length field takes two bytes
	}
	return length/a.ACLLength*a.fragment(a.ACLLength) + a.fragment(length%a.ACLLength)
}

// fragment returns the number of pairs of slots for the bytes that the
// controller receives at once. The controller sends the longest packets as long
// as they are full, and then the shortest packet that holds the rest.
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
