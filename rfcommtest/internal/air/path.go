package air

import "time"

// A Path is the link between two stations, in both directions. What is sent in
// a direction arrives in order, whatever is changed meanwhile.
type Path struct {
	medium     *Medium
	directions [2]direction // from each end
	types      PacketTypes
	delay      time.Duration
	stalled    bool
	closed     bool

	exchange  exchange
	lastFirst *direction    // the end that began the last exchange
	notBefore time.Duration // nothing that waits passes earlier than that
	*counter
}

// Connect returns a new path between two different stations of the medium. It
// takes no time on the air, and has no delay.
func (m *Medium) Connect(a, b *Station) *Path {
	if a == b || a.medium != m || b.medium != m {
		panic("air: a path is between two stations of one medium")
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

// SetPacketTypes sets which types of packets carry data from now on. Packets on the
// air keep theirs; the rest of a fragment takes the new ones. With no types, the
// default, data takes no time on the air; what waits is passed on soon, not
// before SetPacketTypes returns.
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

// SetDelay sets how much later than the end of its transmission, which is that of
// the packet in return, a message arrives. It holds for what is not on the air yet.
func (p *Path) SetDelay(d time.Duration) {
	if p.closed {
		return
	}
	p.exchange.decideReturn(p.medium.now())
	p.delay = max(d, 0)
}

// Stall lets nothing pass any more, including what is delayed, until Resume.
// No callback is called for the path until then. A packet that is on the air
// is lost, and sent again after Resume unless that comes before its end.
func (p *Path) Stall() {
	if p.closed || p.stalled {
		return
	}
	p.exchange.decideReturn(p.medium.now())
	p.stalled = true
}

// Resume ends a stall. What waits goes on, in order and soon, not before
// Resume returns.
func (p *Path) Resume() {
	if p.closed || !p.stalled {
		return
	}
	p.stalled = false
	p.notBefore = p.medium.now()
	p.wake()
}

// wake makes the medium look at what waits on the path, on a goroutine of its
// own.
func (p *Path) wake() {
	m := p.medium
	m.woken.push(p)
	m.dirty = true
	if !m.running {
		m.arm()
	}
}

// Send transmits an ACL fragment of size bytes from an end of the path. It
// calls sent at the end of the transmission, when the buffer of the controller
// is free, and arrived when the fragment is at the other end. The transmission
// ends with the packet that the other end sends in return for the last one.
// Either may be nil.
//
// If nothing waits before it and it takes no time on the air, sent is called
// before Send returns, and so is arrived if there is no delay. In a callback
// they are called after both have returned.
func (p *Path) Send(from *Station, size int, sent, arrived func()) {
	p.direction(from).send(message{remaining: max(size, 0), sent: sent, arrived: arrived})
}

// SendLMP transmits a message of the link manager: in order with the data,
// delayed and stalled as that is, but with no time on the air. Like Send it may
// call arrived before it returns.
func (p *Path) SendLMP(from *Station, arrived func()) {
	p.direction(from).send(message{lmp: true, arrived: arrived})
}

// direction returns the direction that begins at an end.
func (p *Path) direction(from *Station) *direction {
	for i := range p.directions {
		if w := &p.directions[i]; w.from == from {
			return w
		}
	}
	panic("air: the station is not an end of the path")
}

// Close ends the path. What has not arrived is lost, and nothing is called for
// it. An exchange in the air keeps both stations busy to its end.
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

// Follow has the path count on from what an earlier one counted. What that has on
// the air still counts for both, when it ends.
func (p *Path) Follow(earlier *Path) { p.counter = earlier.counter }

// Airtime returns what was transmitted on the path, in both directions, and on those
// that it followed.
func (p *Path) Airtime() Duration { return p.airtime() }
