package radio

import (
	"bytes"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Conditions holds the state of the radio between two stations, with or without
// a connection. Its settings apply to the current connection and to later ones.
type Conditions struct {
	radio      *Radio
	stations   [2]hcipacket.Address
	connection *Connection // nil when there is none

	stalled bool
	delay   time.Duration
	types   air.PacketTypes

	// PageDelay is how long a page takes until the other station hears it.
	PageDelay   time.Duration
	supervision time.Duration // see SetSupervisionTimeout

	// RSSI is the received signal strength at both stations, in dBm.
	RSSI int8
	// LinkQuality is the quality of a connection as a controller measures it.
	// The best quality is 255.
	LinkQuality uint8

	lastPath *air.Path // of the last connection; its count includes those of earlier ones
}

// defaultRSSI is that of a device that is neither close nor far, in dBm.
const defaultRSSI = -50

// Conditions returns the conditions between two stations, given in either
// order.
func (r *Radio) Conditions(a, b hcipacket.Address) *Conditions {
	key := [2]hcipacket.Address{a, b}
	if bytes.Compare(a[:], b[:]) > 0 {
		key[0], key[1] = b, a
	}
	conditions, ok := r.conditions[key]
	if !ok {
		conditions = &Conditions{radio: r, stations: key, RSSI: defaultRSSI, LinkQuality: 255}
		r.conditions[key] = conditions
	}
	return conditions
}

// Stall holds back everything until Resume. It does not end the connection,
// however long it lasts.
func (b *Conditions) Stall() {
	b.stalled = true
	if b.connection != nil {
		b.connection.path.Stall()
	}
}

// Resume ends a stall.
func (b *Conditions) Resume() {
	if !b.stalled {
		return // an LMP_detach may still be on its way
	}
	b.stalled = false
	if c := b.connection; c != nil {
		if c.broken {
			c.deliverDetach()
		} else {
			c.path.Resume()
		}
	}
	b.radio.retry() // after the end of the connection, because a page makes the next one
}

// SetSupervisionTimeout sets how long a connection may be silent until its ends
// lose it. If zero, the hosts' value applies; otherwise it overrides theirs.
func (b *Conditions) SetSupervisionTimeout(timeout time.Duration) {
	b.supervision = timeout
	if b.connection != nil {
		b.connection.supervisionTimeoutChanged()
	}
}

// SetDelay makes everything arrive later by delay, at the same rate.
func (b *Conditions) SetDelay(delay time.Duration) {
	b.delay = delay
	if b.connection != nil {
		b.connection.path.SetDelay(delay)
	}
}

// SetPacketTypes sets the packet types for the fragments of a connection. If
// types is empty, fragments take no air time.
func (b *Conditions) SetPacketTypes(types air.PacketTypes) {
	b.types = types
	if b.connection != nil {
		b.connection.updatePacketTypes()
	}
}

// Airtime returns the traffic between the two stations, over all connections.
func (b *Conditions) Airtime() air.Airtime {
	if b.lastPath == nil {
		return air.Airtime{}
	}
	return b.lastPath.Airtime()
}

// Disconnect ends the connection and reports whether there was one. The ends at
// the given addresses, or both if there are none, receive the reason as if the
// other end had sent it. With the reason ConnectionTimeout, nothing passes any
// more, and the ends receive the reason when the supervision timeout has
// expired. An end that is not among the given addresses loses the connection in
// the same way.
func (b *Conditions) Disconnect(reason hcipacket.Status, at ...hcipacket.Address) bool {
	if b.connection == nil {
		return false
	}
	ends := b.connection.ends
	for _, e := range ends {
		notify := len(at) == 0
		for _, address := range at {
			notify = notify || address == e.station.address
		}
		switch {
		case !e.alive:
		case notify && reason != hcipacket.ConnectionTimeout:
			e.disconnect(reason)
		default:
			e.startSupervision()
		}
	}
	return true
}
