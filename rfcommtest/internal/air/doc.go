// Package air simulates the medium between virtual Bluetooth controllers. Data
// takes as long as the BR/EDR baseband would need, arrives in order, and can be
// stalled and delayed.
//
// The model follows the Core Specification, Volume 2, Part B, sections 6.5
// (packet types) and 8 (time division duplex). Data travels in exchanges
// between the two ends of a path: a packet of 1, 3 or 5 slots from one end,
// followed by a packet in return from the other end, which is a single empty
// slot (POLL or NULL) if that end has nothing to send. Bulk data in one
// direction therefore costs 6 slots for each 3-DH5 packet, and a short answer
// in the return costs nothing. A station takes part in one exchange at a time,
// and its paths take turns. Paths without a common station do not affect each
// other.
//
// The clock is virtual. An exchange starts when its data has been sent and the
// previous exchanges have ended, not when a timer fires. A timer that fires
// late catches up, so the time that many packets take is exact to the slot.
// Data sent from a callback is sent at the real time of the callback.
//
// The model omits the alignment of slots among paths, bit errors, polling of
// idle paths, sniff and hold modes, and the slots of voice links. The duration
// of the slots includes a packet's header, access code and checks.
//
// # Locking
//
// A Medium has one lock. Callers of every method of this package must hold it,
// and it is held while callbacks run. Callbacks may call every method.
package air
