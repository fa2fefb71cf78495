package air

import "time"

// An exchange is a packet from one end of a path, and one in return.
type exchange struct {
	running       bool
	returnDecided bool // second is decided
	first, second transmission
	returnAt      time.Duration // the end of first
	end           time.Duration // the end of both, or the earliest it can be
}

// A transmission is one packet of an exchange.
type transmission struct {
	from   *direction // nil: an empty slot
	packet Packet
	bytes  int
	delay  time.Duration // of the path at its start
}

func (l *transmission) slots() int {
	if l.from == nil {
		return 1
	}
	return l.packet.Slots
}

func (l *transmission) duration() time.Duration { return time.Duration(l.slots()) * SlotTime }

// begin puts the next packet of the first message of the queue on the air.
func (w *direction) begin() transmission {
	w.onAir = true
	remaining := w.queue.first().remaining
	packet := w.path.types.next(remaining)
	return transmission{from: w, packet: packet, bytes: min(remaining, packet.Payload), delay: w.path.delay}
}

// begin starts an exchange at a time at which one of the ends is ready. The one
// that waits longer is first; if both wait equally long, they alternate.
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

// decideReturn decides what is sent in return, if the first packet is over: what the
// other end has to send at that moment.
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

// finish ends the exchange: the stations are free, and what was transmitted
// leaves the queues.
func (p *Path) finish() {
	x := p.exchange
	p.exchange = exchange{}
	for i := range p.directions {
		w := &p.directions[i]
		w.onAir = false
		w.from.busy = false
		w.from.add(&x.first)
		w.from.add(&x.second)
		p.medium.queueDrain(w) // what comes next may need no air
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

// arrive takes what the packet carried off its message, and the message off
// its queue if that was all. On a stalled path the packet is lost: it will be
// sent again.
func (l *transmission) arrive(at time.Duration) {
	if l.from == nil || l.from.path.closed || l.from.path.stalled {
		return
	}
	l.from.over = at
	first := l.from.queue.first()
	if first.remaining -= l.bytes; first.remaining == 0 {
		l.from.complete(at, l.delay)
	}
}
