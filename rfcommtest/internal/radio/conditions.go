package radio

import (
	"bytes"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// Between is what it is like between two stations, whether there is a link or
// not.
type Between struct {
	radio    *Radio
	stations [2]hcipacket.Address
	link     *Link // nil when there is none

	stalled bool
	delay   time.Duration
	types   air.Types

	// How long a page takes to be heard.
	PageTime    time.Duration
	supervision time.Duration // see SetSupervisionTimeout

	last *air.Path // of the last link; counts for all
}

// Between returns the conditions between two stations, in any order.
func (r *Radio) Between(a, b hcipacket.Address) *Between {
	key := [2]hcipacket.Address{a, b}
	if bytes.Compare(a[:], b[:]) > 0 {
		key[0], key[1] = b, a
	}
	conditions, ok := r.between[key]
	if !ok {
		conditions = &Between{radio: r, stations: key}
		r.between[key] = conditions
	}
	return conditions
}

// Stall keeps everything from passing. A link stays, however long it lasts.
func (b *Between) Stall() {
	b.stalled = true
	if b.link != nil {
		b.link.path.Stall()
	}
}

// Resume ends a stall.
func (b *Between) Resume() {
	if !b.stalled {
		return // what was said before may be under way still
	}
	b.stalled = false
	if l := b.link; l != nil {
		if l.broken {
			l.farewell()
		} else {
			l.path.Resume()
		}
	}
	b.radio.tryAgain() // after the link's end: a page makes the next one
}

// SetSupervisionTimeout sets how long a link may be silent before it is given up,
// whatever the hosts say; 0 is what they say.
func (b *Between) SetSupervisionTimeout(timeout time.Duration) {
	b.supervision = timeout
	if b.link != nil {
		b.link.superviseAnew()
	}
}

// SetDelay makes everything arrive later by a time, at the same rate.
func (b *Between) SetDelay(delay time.Duration) {
	b.delay = delay
	if b.link != nil {
		b.link.path.SetDelay(delay)
	}
}

// SetTypes sets the packets that a link has for its fragments; with none they
// take no time.
func (b *Between) SetTypes(types air.Types) {
	b.types = types
	if b.link != nil {
		b.link.setTypes()
	}
}

// Use returns what was on the air between the two stations.
func (b *Between) Use() air.Use {
	if b.last == nil {
		return air.Use{}
	}
	return b.last.Use()
}

// Lose ends the link for a reason, at one station or at both, as if the other
// end had given it. The reason ConnectionTimeout comes true only after the
// supervision timeout, during which nothing passes; and so notices an end that
// was not told. It reports whether there was a link.
func (b *Between) Lose(reason hcipacket.Status, at ...hcipacket.Address) bool {
	if b.link == nil {
		return false
	}
	ends := b.link.ends
	for _, e := range ends {
		told := len(at) == 0
		for _, address := range at {
			told = told || address == e.station.address
		}
		switch {
		case !e.alive:
		case told && reason != hcipacket.ConnectionTimeout:
			e.lose(reason)
		default:
			e.supervise()
		}
	}
	return true
}
