package radio

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// defaultSupervisionTimeout is how long a connection may be silent if no host
// has set another time (Volume 4, Part E, section 6.21).
const defaultSupervisionTimeout = 0x7d00 * SlotTime

// A Connection is an ACL connection between two stations.
type Connection struct {
	conditions *Conditions
	path       *air.Path
	ends       [2]*End // the end that paged, then the other
	broken     bool    // nothing passes any more; the ends lose the connection by supervision

	supervision time.Duration // the supervision timeout set by the hosts
}

// An End is one end of a connection.
type End struct {
	connection       *Connection
	station          *Station
	peer             *End
	alive            bool // the controller still has the connection
	pendingDetach    hcipacket.Status
	silentSince      time.Time       // since when the other end is not heard; zero if it is heard
	supervisionTimer *time.Timer     // expires when the silence has lasted too long
	types            air.PacketTypes // allowed by the controller and its host
	Owner            any             // the controller's data about the connection
	OnDisconnect     func(reason hcipacket.Status)
	Outgoing         bool // this end paged the other
}

func (r *Radio) connect(from, to *Station) *Connection {
	conditions := r.Conditions(from.address, to.address)
	c := &Connection{conditions: conditions, path: r.medium.Connect(from.air, to.air), supervision: defaultSupervisionTimeout}
	for i, s := range []*Station{from, to} {
		c.ends[i] = &End{connection: c, station: s, alive: true, types: air.EDR3, Outgoing: i == 0}
		s.ends[c.ends[i]] = struct{}{}
	}
	c.ends[0].peer, c.ends[1].peer = c.ends[1], c.ends[0]
	conditions.connection = c
	if conditions.lastPath != nil {
		c.path.Follow(conditions.lastPath)
	}
	conditions.lastPath = c.path
	c.updatePacketTypes()
	c.path.SetDelay(conditions.delay)
	if conditions.stalled {
		c.path.Stall()
	}
	return c
}

// Alive reports whether the end still has the connection.
func (e *End) Alive() bool { return e.alive }

// Peer returns the other end.
func (e *End) Peer() *End { return e.peer }

// Conditions returns the conditions between the two ends.
func (e *End) Conditions() *Conditions { return e.connection.conditions }

// Station returns the station of the end.
func (e *End) Station() *Station { return e.station }

// Send sends an ACL fragment of size bytes. The radio calls sent when the
// fragment has been transmitted, and arrived when it has arrived at the other
// end. It calls neither after the end of the connection.
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

// SendLMP sends a message of the link manager. The radio calls arrived when the
// message has arrived at the other end, after everything that was sent before
// it.
func (e *End) SendLMP(arrived func(peer *End)) {
	e.connection.path.SendLMP(e.station.air, func() {
		if e.peer.alive {
			arrived(e.peer)
		}
	})
}

// Restrict sets the packet types that this end allows. A connection uses the
// types that both ends allow.
func (e *End) Restrict(types air.PacketTypes) {
	e.types = types
	e.connection.updatePacketTypes()
}

// updatePacketTypes sets the path's packet types: those of the conditions that
// both ends allow. DM1 is always allowed.
func (c *Connection) updatePacketTypes() {
	types := c.conditions.types
	if types != 0 {
		types = types&c.ends[0].types&c.ends[1].types | air.DM1
	}
	c.path.SetPacketTypes(types)
}

// SetSupervisionTimeout sets how long the connection may be silent.
func (e *End) SetSupervisionTimeout(timeout time.Duration) {
	e.connection.supervision = timeout
	e.connection.supervisionTimeoutChanged()
}

// SupervisionTimeout returns how long the connection may be silent. Zero means
// no timeout.
func (e *End) SupervisionTimeout() time.Duration {
	if timeout := e.connection.conditions.supervision; timeout != 0 {
		return timeout
	}
	return e.connection.supervision
}

// Detach ends the connection at this end and sends the reason to the other end
// (LMP_detach).
func (e *End) Detach(reason hcipacket.Status) {
	e.remove()
	if !e.peer.alive || e.connection.broken {
		return // the other end is gone or hears nothing any more
	}
	e.peer.pendingDetach = reason
	if e.connection.conditions.stalled {
		e.peer.startSupervision() // the end of the stall, if earlier, delivers the reason
		return
	}
	e.SendLMP(func(peer *End) { peer.disconnect(reason) })
}

// deliverDetach delivers an LMP_detach that was sent during a stall.
func (c *Connection) deliverDetach() {
	for _, e := range c.ends {
		if e.alive && e.pendingDetach != 0 {
			e.disconnect(e.pendingDetach)
		}
	}
}

// disconnectRemaining ends the remaining end of a connection that the other end
// has dropped. It delivers a pending LMP_detach first.
func (c *Connection) disconnectRemaining() {
	c.deliverDetach()
	for _, e := range c.ends {
		e.disconnect(hcipacket.ConnectionTimeout)
	}
}

// disconnect ends the connection at this end and notifies its controller.
func (e *End) disconnect(reason hcipacket.Status) {
	if !e.alive {
		return
	}
	e.remove()
	if e.OnDisconnect != nil {
		e.OnDisconnect(reason)
	}
}

// startSupervision makes this end hear nothing any more, and lose the
// connection when its supervision timeout has expired.
func (e *End) startSupervision() {
	if !e.alive || !e.silentSince.IsZero() {
		return
	}
	e.connection.broken = true
	e.connection.path.Stall()
	e.silentSince = time.Now()
	e.resetSupervisionTimer()
}

// resetSupervisionTimer sets the timer to the end of the supervision timeout,
// which started with the silence.
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
		if e.supervisionTimer == timer { // not replaced by a later timer
			e.disconnect(hcipacket.ConnectionTimeout)
		}
	})
	e.supervisionTimer = timer
}

// supervisionTimeoutChanged applies a new supervision timeout to running
// timers.
func (c *Connection) supervisionTimeoutChanged() {
	for _, e := range c.ends {
		if e.alive && !e.silentSince.IsZero() {
			e.resetSupervisionTimer()
		}
	}
}

// remove ends the connection at this end without notifying anyone.
func (e *End) remove() {
	if !e.alive {
		return
	}
	e.alive = false
	delete(e.station.ends, e)
	if e.supervisionTimer != nil {
		e.supervisionTimer.Stop()
	}
	if e.peer.alive {
		return
	}
	c := e.connection
	if conditions := c.conditions; conditions.connection == c {
		conditions.connection = nil
	}
	c.path.Close()
}
