// Package air is the medium between virtual Bluetooth controllers: what they
// send each other over BR/EDR takes as long here as the baseband would need,
// comes in order, and can be stalled and delayed.
//
// The model follows the Core specification, Vol 2 Part B, sections 6.5 (packet
// types) and 8 (time division duplex). The two ends of a path take part in an
// exchange: a packet of 1, 3 or 5 slots from one end, and in return a packet
// of the other end, or one empty slot (POLL or NULL) if that has nothing to
// send. Bulk data in one direction thus costs 6 slots for each 3-DH5 packet,
// and a short answer in the return costs nothing. A station is in one exchange
// at a time, and its paths take turns; paths without a common station do not
// touch each other.
//
// The clock is virtual: an exchange starts when its data is there and the
// exchanges before it are over, not when a timer wakes. A timer that wakes
// late catches up, so the time that many packets take is exact to the slot.
// What is sent from a callback is there when the callback runs.
//
// Left out: the alignment of slots among paths, bit errors, polling of idle
// paths, sniff and hold modes, and the slots of voice links. The header of a
// packet, its access code and its checks are in the length of the slots.
//
// # Locking
//
// A Medium belongs to one lock, which callers of every method of this package
// hold, and which is held while callbacks run. Callbacks may call every
// method.
package air
