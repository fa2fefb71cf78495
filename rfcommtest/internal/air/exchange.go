package air

import "time"

// An exchange is a packet from one end of a path, followed by a packet in
// return.
type exchange struct {
	running       bool
	returnDecided bool // second is decided
	first, second transmission
	returnAt      time.Duration // the end of first
	end           time.Duration // the end of second, or the earliest possible end
}

// A transmission is one packet of an exchange.
type transmission struct {
	from   *direction // nil for an empty slot
	packet Packet
	bytes  int
	delay  time.Duration // the path's delay at the start of the packet
}

func (t *transmission) slots() int {
	if t.from == nil {
		return 1
	}
	return t.packet.Slots
}

func (t *transmission) duration() time.Duration { return time.Duration(t.slots()) * SlotTime }

// begin starts to transmit the next packet of the first message of the queue.
func (dir *direction) begin() transmission {
	dir.onAir = true
	remaining := dir.queue.first().remaining
	packet := dir.path.types.next(remaining)
	return transmission{from: dir, packet: packet, bytes: min(remaining, packet.Payload), delay: dir.path.delay}
}

// begin starts an exchange at a time at which at least one end is ready. The
// end that has waited longer sends first. If both have waited equally long,
// they alternate.
func (p *Path) begin(at time.Duration) {
	first := &p.directions[0]
	since, ok := first.ready()
	if other, ready := p.directions[1].ready(); ready &&
		(!ok || other < since || other == since && p.lastFirst == first) {
		first = &p.directions[1]
	}
	p.lastFirst = first
	for i := range p.directions {
		p.directions[i].from.busy = true
	}
	x := exchange{running: true, first: first.begin()}
	x.returnAt = at + x.first.duration()
	x.end = x.returnAt + SlotTime
	p.exchange = x
}

// decideReturn decides what the other end sends in return, once the first
// packet has ended. The return carries data that is queued at that moment, or
// is an empty slot.
func (x *exchange) decideReturn(now time.Duration) {
	if !x.running || x.returnDecided || x.returnAt > now {
		return
	}
	x.returnDecided = true
	p := x.first.from.path
	other := &p.directions[0]
	if other == x.first.from {
		other = &p.directions[1]
	}
	if since, ok := other.ready(); ok && since <= x.returnAt && !p.stalled {
		x.second = other.begin()
	}
	x.end = x.returnAt + x.second.duration()
}

// finish ends the exchange. It frees the stations, and removes the transmitted
// data from the queues.
func (p *Path) finish() {
	x := p.exchange
	p.exchange = exchange{}
	for i := range p.directions {
		dir := &p.directions[i]
		dir.onAir = false
		dir.from.busy = false
		dir.from.add(&x.first)
		dir.from.add(&x.second)
		p.medium.queueDrain(dir) // the next message may take no air time
	}
	p.add(&x.first)
	p.add(&x.second)
	if p.closed {
		p.medium.remove(p)
		return
	}
	x.first.arrive(x.end)
	x.second.arrive(x.end)
}

// arrive removes the packet's data from its message, and the message from its
// queue if no data is left. On a stalled path the packet is lost and will be
// retransmitted.
func (t *transmission) arrive(at time.Duration) {
	if t.from == nil || t.from.path.closed || t.from.path.stalled {
		return
	}
	t.from.over = at
	first := t.from.queue.first()
	if first.remaining -= t.bytes; first.remaining == 0 {
		t.from.complete(at, t.delay)
	}
}
