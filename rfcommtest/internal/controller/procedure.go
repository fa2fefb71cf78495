package controller

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// responseTimeout is the LMP response timeout (Volume 2, Part C, section
// 2.4.1). That section bounds the time from one message to the next. Here it
// also bounds the time that a host takes to answer, so that a procedure always
// ends.
const responseTimeout = 30 * time.Second

// A procedure is one end's part in an authentication or a pairing. A link
// manager takes part in at most two: one that its host has requested, and one
// of its peer.
type procedure struct {
	*connection
	initiator bool       // the host of this end has requested it
	first     message    // the message that has begun it; noMessage before
	other     *procedure // the part of the other end, if it has one
	ended     bool
	timer     *time.Timer // the LMP response timeout

	// simple is set once the host was asked for its IO capability, because it
	// then expects HCI_Simple_Pairing_Complete.
	simple bool
	io     *capability // the host's answer; nil before

	// former is the host's own procedure that this procedure of the peer has
	// displaced. Its question about the IO capability is not asked again.
	former *procedure

	// own and others are the answers of the users of this end and of the other
	// end, which the responder compares; nil before.
	own, others *agreement
}

// A message is an LMP message that begins a procedure.
type message uint8

const (
	noMessage       message = iota
	auRand                  // LMP_AU_RAND: authentication with a link key
	inRand                  // LMP_IN_RAND: pairing with a PIN
	ioCapabilityReq         // LMP_IO_CAPABILITY_REQ: Secure Simple Pairing
)

// authenticate starts an authentication for the host, after those that the host
// has requested before.
func (conn *connection) authenticate() {
	if conn.initiating != nil {
		conn.waiting++
		return
	}
	conn.initiating = &procedure{connection: conn, initiator: true}
	conn.startInitiating()
}

// startInitiating starts the host's procedure. While the peer's procedure, which
// can make a new key, is under way, startInitiating does nothing; it is called
// again at the end of that procedure.
func (conn *connection) startInitiating() {
	if p := conn.initiating; p != nil && p.first == noMessage && conn.responding == nil {
		p.start()
	}
}

// begin sends the first message of the host's procedure. It calls arrived at
// the peer, unless the two ends' messages collide (Volume 2, Part C, section
// 2.5.1): then the central rejects the peripheral's.
func (p *procedure) begin(first message, arrived func(q *procedure)) {
	p.first = first
	p.wait()
	p.sendLMP(func(peer *connection) {
		if own := peer.initiating; own != nil && own.first != noMessage && peer.end.Outgoing {
			status := hcipacket.TransactionCollision
			if own.first != first {
				status = hcipacket.DifferentCollision
			}
			peer.sendLMP(func(*connection) { p.conclude(status) }) // LMP_NOT_ACCEPTED
			return
		}
		q := peer.respond(p)
		q.wait()
		arrived(q)
	})
}

// respond takes part in a procedure of the peer. The host's own procedure, if
// it has not sent a message yet, starts again afterwards.
func (conn *connection) respond(p *procedure) *procedure {
	if old := conn.responding; old != nil {
		old.conclude(hcipacket.ResponseTimeout) // the peer has given it up
	}
	q := &procedure{connection: conn, other: p, former: conn.initiating}
	p.other = q
	conn.responding = q
	if own := conn.initiating; own != nil && own.first == noMessage {
		own.stop()
		conn.initiating = &procedure{connection: conn, initiator: true}
	}
	return q
}

// send sends a message of the procedure. It calls arrived at the other end,
// unless the procedure has ended there.
func (p *procedure) send(arrived func(q *procedure)) {
	p.wait()
	p.sendLMP(func(*connection) {
		if q := p.other; q != nil && !q.ended {
			q.wait()
			arrived(q)
		}
	})
}

// wait restarts the LMP response timeout.
func (p *procedure) wait() {
	if p.ended {
		return
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	var timer *time.Timer
	timer = time.AfterFunc(responseTimeout, func() {
		p.station.Locked(func() {
			if p.timer == timer && p.connections[p.handle] == p.connection {
				p.conclude(hcipacket.ResponseTimeout)
			}
		})
	})
	p.timer = timer
}

// finish ends the procedure at both ends.
func (p *procedure) finish(status hcipacket.Status) {
	p.send(func(q *procedure) { q.conclude(status) })
	p.conclude(status)
}

// conclude ends the procedure at this end, and starts the next one of the host.
func (p *procedure) conclude(status hcipacket.Status) {
	if p.ended {
		return
	}
	p.stop()
	p.pairing.withdraw(p)
	p.simplePairingComplete(status)
	if !p.initiator {
		p.responding = nil
		p.startInitiating()
		return
	}
	p.initiating = nil
	p.authenticationComplete(status)
	if p.waiting > 0 {
		p.waiting--
		p.authenticate()
	}
}

// stop ends the procedure without a trace.
func (p *procedure) stop() {
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// authenticationComplete sends HCI_Authentication_Complete (section 7.7.6).
func (conn *connection) authenticationComplete(status hcipacket.Status) {
	conn.event(hcipacket.AuthenticationComplete, hcipacket.Parameters{}.Status(status).Handle(conn.handle))
}
