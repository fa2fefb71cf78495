package radio

import (
	"bytes"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Conditions is what it is like between two stations, whether there is a link or
// not.
type Conditions struct {
	radio      *Radio
	stations   [2]hcipacket.Address
	connection *Connection // nil when there is none

	stalled bool
	delay   time.Duration
	types   air.PacketTypes

	// How long a page takes to be heard.
	PageDelay   time.Duration
	supervision time.Duration // see SetSupervisionTimeout

	lastPath *air.Path // of the last link; counts for all
}

// Conditions returns the conditions between two stations, in any order.
func (r *Radio) Conditions(a, b hcipacket.Address) *Conditions {
	key := [2]hcipacket.Address{a, b}
	if bytes.Compare(a[:], b[:]) > 0 {
		key[0], key[1] = b, a
	}
	conditions, ok := r.conditions[key]
	if !ok {
		conditions = &Conditions{radio: r, stations: key}
		r.conditions[key] = conditions
	}
	return conditions
}

// Stall keeps everything from passing. A link stays, however long it lasts.
func (b *Conditions) Stall() {
	b.stalled = true
	if b.connection != nil {
		b.connection.path.Stall()
	}
}

// Resume ends a stall.
func (b *Conditions) Resume() {
	if !b.stalled {
		return // what was said before may be under way still
	}
	b.stalled = false
	if l := b.connection; l != nil {
		if l.broken {
			l.deliverDetach()
		} else {
			l.path.Resume()
		}
	}
	b.radio.retry() // after the link's end: a page makes the next one
}

// SetSupervisionTimeout sets how long a link may be silent before it is given up,
// whatever the hosts say; 0 is what they say.
func (b *Conditions) SetSupervisionTimeout(timeout time.Duration) {
	b.supervision = timeout
	if b.connection != nil {
		b.connection.supervisionTimeoutChanged()
	}
}

// SetDelay makes everything arrive later by a time, at the same rate.
func (b *Conditions) SetDelay(delay time.Duration) {
	b.delay = delay
	if b.connection != nil {
		b.connection.path.SetDelay(delay)
	}
}

// SetPacketTypes sets the packets that a link has for its fragments; with none they
// take no time.
func (b *Conditions) SetPacketTypes(types air.PacketTypes) {
	b.types = types
	if b.connection != nil {
		b.connection.updatePacketTypes()
	}
}

// Airtime returns what was on the air between the two stations.
func (b *Conditions) Airtime() air.Duration {
	if b.lastPath == nil {
		return air.Duration{}
	}
	return b.lastPath.Airtime()
}

// Disconnect ends the link for a reason, at one station or at both, as if the other
// end had given it. The reason ConnectionTimeout comes true only after the
// supervision timeout, during which nothing passes; and so notices an end that
// was not told. It reports whether there was a link.
func (b *Conditions) Disconnect(reason hcipacket.Status, at ...hcipacket.Address) bool {
	if b.connection == nil {
		return false
	}
	ends := b.connection.ends
	for _, e := range ends {
		told := len(at) == 0
		for _, address := range at {
			told = told || address == e.station.address
		}
		switch {
		case !e.alive:
		case told && reason != hcipacket.ConnectionTimeout:
			e.disconnect(reason)
		default:
			e.startSupervision()
		}
	}
	return true
}
