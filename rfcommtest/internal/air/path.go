package air

import "time"

// A Path carries data between two stations in both directions. The messages of
// one direction arrive in order, even if settings of the path change meanwhile.
type Path struct {
	medium     *Medium
	directions [2]direction // one from each end
	types      PacketTypes
	delay      time.Duration
	stalled    bool
	closed     bool

	exchange  exchange
	lastFirst *direction    // the end that began the last exchange
	notBefore time.Duration // queued messages do not pass earlier
	*counter
}

// Connect returns a new path between two different stations of the medium.
// Initially data takes no air time and has no delay.
func (m *Medium) Connect(a, b *Station) *Path {
	if a == b || a.medium != m || b.medium != m {
		panic("air: Connect: not two different stations of the medium")
	}
	p := &Path{medium: m, counter: new(counter)}
	p.directions[0] = direction{path: p, from: a}
	p.directions[1] = direction{path: p, from: b}
	if m.closed {
		p.closed = true
	} else {
		m.add(p)
	}
	return p
}

// SetPacketTypes sets the types of packets that carry data from now on. Packets
// on the air keep their types; the rest of a fragment uses the new ones. If t
// is empty, which is the default, data takes no air time; queued messages then
// pass soon after SetPacketTypes has returned.
func (p *Path) SetPacketTypes(t PacketTypes) {
	if p.closed || p.types == t {
		return
	}
	now := p.medium.now()
	p.exchange.decideReturn(now)
	p.types = t
	if t == 0 {
		p.notBefore = now
		p.wake()
	}
}

// SetDelay sets how much later than the end of its transmission a message
// arrives. The transmission ends with the packet in return. The delay does not
// apply to packets that are already on the air.
func (p *Path) SetDelay(d time.Duration) {
	if p.closed {
		return
	}
	p.exchange.decideReturn(p.medium.now())
	p.delay = max(d, 0)
}

// Stall holds back all messages, including delayed ones, until Resume. Until
// then the path calls no callbacks. A packet that is on the air is lost and
// retransmitted after Resume, unless Resume is called before the packet ends.
func (p *Path) Stall() {
	if p.closed || p.stalled {
		return
	}
	p.exchange.decideReturn(p.medium.now())
	p.stalled = true
}

// Resume ends a stall. The messages held back pass in order, soon after Resume
// has returned.
func (p *Path) Resume() {
	if p.closed || !p.stalled {
		return
	}
	p.stalled = false
	p.notBefore = p.medium.now()
	p.wake()
}

// wake makes the timer, on a goroutine of its own, process the path's queues.
func (p *Path) wake() {
	m := p.medium
	m.woken.push(p)
	m.dirty = true
	if !m.running {
		m.arm()
	}
}

// Send transmits an ACL fragment of size bytes from one end of the path. It
// calls sent at the end of the transmission, when the controller's buffer is
// free, and arrived when the fragment has arrived at the other end. The
// transmission ends with the packet that the other end sends in return for the
// last packet. Both functions may be nil.
//
// If no message is queued and the fragment takes no air time, Send calls sent
// before it returns, and arrived too if the delay is 0. If Send is called from
// a callback, the functions are called after Send and the callback have
// returned.
func (p *Path) Send(from *Station, size int, sent, arrived func()) {
	p.direction(from).send(message{remaining: max(size, 0), sent: sent, arrived: arrived})
}

// SendLMP transmits a message of the link manager. It arrives in order with the
// data, with the same delays and stalls, but takes no air time. Like Send,
// SendLMP may call arrived before it returns.
func (p *Path) SendLMP(from *Station, arrived func()) {
	p.direction(from).send(message{lmp: true, arrived: arrived})
}

// direction returns the direction that starts at the given end.
func (p *Path) direction(from *Station) *direction {
	for i := range p.directions {
		if dir := &p.directions[i]; dir.from == from {
			return dir
		}
	}
	panic("air: Send: the station is not an end of the path")
}

// Close ends the path. Messages that have not arrived are lost, and their
// callbacks are not called. An exchange on the air keeps both stations busy
// until it ends.
func (p *Path) Close() {
	if p.closed {
		return
	}
	p.close()
	if !p.exchange.running {
		p.medium.remove(p)
	}
}

func (p *Path) close() {
	p.closed = true
	for i := range p.directions {
		p.directions[i].queue.clear()
		p.directions[i].deliveries.clear()
	}
}

// Follow makes the path continue the count of an earlier path. Packets that the
// earlier path still has on the air count for both when they end.
func (p *Path) Follow(earlier *Path) { p.counter = earlier.counter }

// Airtime returns the traffic on the path in both directions, and on the paths
// that it follows.
func (p *Path) Airtime() Airtime { return p.airtime() }
