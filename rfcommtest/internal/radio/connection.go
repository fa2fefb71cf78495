package radio

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// defaultSupervisionTimeout is how long a link may be silent if no host says
// otherwise (Volume 4, Part E, section 6.21).
const defaultSupervisionTimeout = 0x7d00 * SlotTime

// A Link joins two stations.
type Link struct {
	between *Between
	path    *air.Path
	ends    [2]*End // the one that paged first
	broken  bool    // nothing passes any more
	// How long it may be silent, as its hosts have set it.
	supervision time.Duration
}

// An End is one end of a link.
type End struct {
	link     *Link
	station  *Station
	peer     *End
	alive    bool // its controller has the link still
	parting  hcipacket.Status
	silent   time.Time   // since when the other end is not heard; zero: it is
	silence  *time.Timer // runs out when that has lasted too long
	types    air.Types   // that its controller and host allow
	Owner    any         // what the controller keeps of the link
	OnLost   func(reason hcipacket.Status)
	Outgoing bool // this end has paged
}

func (r *Radio) connect(from, to *Station) *Link {
	conditions := r.Between(from.address, to.address)
	l := &Link{between: conditions, path: r.medium.Connect(from.air, to.air), supervision: defaultSupervisionTimeout}
	for i, s := range []*Station{from, to} {
		l.ends[i] = &End{link: l, station: s, alive: true, types: air.EDR3, Outgoing: i == 0}
		s.links[l.ends[i]] = struct{}{}
	}
	l.ends[0].peer, l.ends[1].peer = l.ends[1], l.ends[0]
	conditions.link = l
	if conditions.last != nil {
		l.path.Follow(conditions.last)
	}
	conditions.last = l.path
	l.setTypes()
	l.path.SetDelay(conditions.delay)
	if conditions.stalled {
		l.path.Stall()
	}
	return l
}

// Alive reports whether the end still has the link.
func (e *End) Alive() bool { return e.alive }

// Peer returns the other end.
func (e *End) Peer() *End { return e.peer }

// Station returns the station that the end is at.
func (e *End) Station() *Station { return e.station }

// Send sends an ACL fragment of some bytes. The radio calls sent when it has
// been transmitted, and arrived when it is at the other end; neither if the link
// ends before.
func (e *End) Send(size int, sent, arrived func()) {
	e.link.path.Send(e.station.air, size,
		func() {
			if e.alive {
				sent()
			}
		},
		func() {
			if e.peer.alive {
				arrived()
			}
		})
}

// Tell sends a message of the link manager: the radio calls arrived when it is
// at the other end, after all that was sent before.
func (e *End) Tell(arrived func(peer *End)) {
	e.link.path.SendControl(e.station.air, func() {
		if e.peer.alive {
			arrived(e.peer)
		}
	})
}

// Restrict says which packets this end allows. Both ends send those that both allow.
func (e *End) Restrict(types air.Types) {
	e.types = types
	e.link.setTypes()
}

// setTypes chooses packets of those that are set between the stations. DM1 is
// always allowed.
func (l *Link) setTypes() {
	types := l.between.types
	if types != 0 {
		types = types&l.ends[0].types&l.ends[1].types | air.DM1
	}
	l.path.SetTypes(types)
}

// SetSupervisionTimeout sets how long the link may be silent.
func (e *End) SetSupervisionTimeout(timeout time.Duration) {
	e.link.supervision = timeout
	e.link.superviseAnew()
}

// SupervisionTimeout returns how long the link may be silent. Zero is for ever.
func (e *End) SupervisionTimeout() time.Duration {
	if timeout := e.link.between.supervision; timeout != 0 {
		return timeout
	}
	return e.link.supervision
}

// Detach ends the link at this end, and tells the other the reason.
func (e *End) Detach(reason hcipacket.Status) {
	e.forget()
	if !e.peer.alive || e.link.broken {
		return // nobody is there, or it hears nothing any more
	}
	e.peer.parting = reason
	if e.link.between.stalled {
		e.peer.supervise() // unless the stall ends before
		return
	}
	e.Tell(func(peer *End) { peer.lose(reason) })
}

// farewell tells an end what it could not hear during a stall.
func (l *Link) farewell() {
	for _, e := range l.ends {
		if e.alive && e.parting != 0 {
			e.lose(e.parting)
		}
	}
}

// bury ends what is left of a link that one end has forgotten. The other is told
// what it would have heard yet.
func (l *Link) bury() {
	l.farewell()
	for _, e := range l.ends {
		e.lose(hcipacket.ConnectionTimeout)
	}
}

// lose ends the link at this end and tells its controller.
func (e *End) lose(reason hcipacket.Status) {
	if !e.alive {
		return
	}
	e.forget()
	if e.OnLost != nil {
		e.OnLost(reason)
	}
}

// supervise has this end hear nothing any more, and lose the link when that has
// lasted too long.
func (e *End) supervise() {
	if !e.alive || !e.silent.IsZero() {
		return
	}
	e.link.broken = true
	e.link.path.Stall()
	e.silent = time.Now()
	e.timeSilence()
}

// timeSilence waits for the rest of the time that the silence may last.
func (e *End) timeSilence() {
	if e.silence != nil {
		e.silence.Stop()
		e.silence = nil
	}
	timeout := e.SupervisionTimeout()
	if timeout == 0 {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(e.silent.Add(timeout)), func() {
		e.station.radio.Lock()
		defer e.station.radio.Unlock()
		if e.silence == timer { // no other has taken its place
			e.lose(hcipacket.ConnectionTimeout)
		}
	})
	e.silence = timer
}

// superviseAnew goes by a supervision timeout that has just been set.
func (l *Link) superviseAnew() {
	for _, e := range l.ends {
		if e.alive && !e.silent.IsZero() {
			e.timeSilence()
		}
	}
}

// forget ends the link at this end without a word.
func (e *End) forget() {
	if !e.alive {
		return
	}
	e.alive = false
	delete(e.station.links, e)
	if e.silence != nil {
		e.silence.Stop()
	}
	if e.peer.alive {
		return
	}
	l := e.link
	if conditions := l.between; conditions.link == l {
		conditions.link = nil
	}
	l.path.Close()
}
