package radio

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// defaultSupervisionTimeout is how long a link may be silent if no host says
// otherwise (Volume 4, Part E, section 6.21).
const defaultSupervisionTimeout = 0x7d00 * SlotTime

// A Connection joins two stations.
type Connection struct {
	conditions *Conditions
	path       *air.Path
	ends       [2]*End // the one that paged first
	broken     bool    // nothing passes any more
	// How long it may be silent, as its hosts have set it.
	supervision time.Duration
}

// An End is one end of a link.
type End struct {
	connection       *Connection
	station          *Station
	peer             *End
	alive            bool // its controller has the link still
	pendingDetach    hcipacket.Status
	silentSince      time.Time       // since when the other end is not heard; zero: it is
	supervisionTimer *time.Timer     // runs out when that has lasted too long
	types            air.PacketTypes // that its controller and host allow
	Owner            any             // what the controller keeps of the link
	OnDisconnect     func(reason hcipacket.Status)
	Outgoing         bool // this end has paged
}

func (r *Radio) connect(from, to *Station) *Connection {
	conditions := r.Conditions(from.address, to.address)
	l := &Connection{conditions: conditions, path: r.medium.Connect(from.air, to.air), supervision: defaultSupervisionTimeout}
	for i, s := range []*Station{from, to} {
		l.ends[i] = &End{connection: l, station: s, alive: true, types: air.EDR3, Outgoing: i == 0}
		s.links[l.ends[i]] = struct{}{}
	}
	l.ends[0].peer, l.ends[1].peer = l.ends[1], l.ends[0]
	conditions.connection = l
	if conditions.lastPath != nil {
		l.path.Follow(conditions.lastPath)
	}
	conditions.lastPath = l.path
	l.updatePacketTypes()
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
	e.connection.path.Send(e.station.air, size,
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

// SendLMP sends a message of the link manager: the radio calls arrived when it is
// at the other end, after all that was sent before.
func (e *End) SendLMP(arrived func(peer *End)) {
	e.connection.path.SendLMP(e.station.air, func() {
		if e.peer.alive {
			arrived(e.peer)
		}
	})
}

// Restrict says which packets this end allows. Both ends send those that both allow.
func (e *End) Restrict(types air.PacketTypes) {
	e.types = types
	e.connection.updatePacketTypes()
}

// updatePacketTypes chooses packets of those that are set between the stations. DM1 is
// always allowed.
func (l *Connection) updatePacketTypes() {
	types := l.conditions.types
	if types != 0 {
		types = types&l.ends[0].types&l.ends[1].types | air.DM1
	}
	l.path.SetPacketTypes(types)
}

// SetSupervisionTimeout sets how long the link may be silent.
func (e *End) SetSupervisionTimeout(timeout time.Duration) {
	e.connection.supervision = timeout
	e.connection.supervisionTimeoutChanged()
}

// SupervisionTimeout returns how long the link may be silent. Zero is for ever.
func (e *End) SupervisionTimeout() time.Duration {
	if timeout := e.connection.conditions.supervision; timeout != 0 {
		return timeout
	}
	return e.connection.supervision
}

// Detach ends the link at this end, and tells the other the reason.
func (e *End) Detach(reason hcipacket.Status) {
	e.remove()
	if !e.peer.alive || e.connection.broken {
		return // nobody is there, or it hears nothing any more
	}
	e.peer.pendingDetach = reason
	if e.connection.conditions.stalled {
		e.peer.startSupervision() // unless the stall ends before
		return
	}
	e.SendLMP(func(peer *End) { peer.disconnect(reason) })
}

// deliverDetach tells an end what it could not hear during a stall.
func (l *Connection) deliverDetach() {
	for _, e := range l.ends {
		if e.alive && e.pendingDetach != 0 {
			e.disconnect(e.pendingDetach)
		}
	}
}

// disconnectRemaining ends what is left of a link that one end has forgotten. The other is told
// what it would have heard yet.
func (l *Connection) disconnectRemaining() {
	l.deliverDetach()
	for _, e := range l.ends {
		e.disconnect(hcipacket.ConnectionTimeout)
	}
}

// disconnect ends the link at this end and tells its controller.
func (e *End) disconnect(reason hcipacket.Status) {
	if !e.alive {
		return
	}
	e.remove()
	if e.OnDisconnect != nil {
		e.OnDisconnect(reason)
	}
}

// startSupervision has this end hear nothing any more, and lose the link when that has
// lasted too long.
func (e *End) startSupervision() {
	if !e.alive || !e.silentSince.IsZero() {
		return
	}
	e.connection.broken = true
	e.connection.path.Stall()
	e.silentSince = time.Now()
	e.resetSupervisionTimer()
}

// resetSupervisionTimer waits for the rest of the time that the silence may last.
func (e *End) resetSupervisionTimer() {
	if e.supervisionTimer != nil {
		e.supervisionTimer.Stop()
		e.supervisionTimer = nil
	}
	timeout := e.SupervisionTimeout()
	if timeout == 0 {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(e.silentSince.Add(timeout)), func() {
		e.station.radio.Lock()
		defer e.station.radio.Unlock()
		if e.supervisionTimer == timer { // no other has taken its place
			e.disconnect(hcipacket.ConnectionTimeout)
		}
	})
	e.supervisionTimer = timer
}

// supervisionTimeoutChanged goes by a supervision timeout that has just been set.
func (l *Connection) supervisionTimeoutChanged() {
	for _, e := range l.ends {
		if e.alive && !e.silentSince.IsZero() {
			e.resetSupervisionTimer()
		}
	}
}

// remove ends the link at this end without a word.
func (e *End) remove() {
	if !e.alive {
		return
	}
	e.alive = false
	delete(e.station.links, e)
	if e.supervisionTimer != nil {
		e.supervisionTimer.Stop()
	}
	if e.peer.alive {
		return
	}
	l := e.connection
	if conditions := l.conditions; conditions.connection == l {
		conditions.connection = nil
	}
	l.path.Close()
}
