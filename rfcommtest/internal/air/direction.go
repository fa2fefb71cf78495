package air

import "time"

// A direction is one direction of a path.
type direction struct {
	path        *Path
	from        *Station
	queue       fifo[message]
	onAir       bool // the first of queue is part of the exchange
	drainQueued bool // is in Medium.todo
	deliveries  fifo[delivery]
	over        time.Duration // when the last packet, or message without one, was over
}

// A message waits to be transmitted.
type message struct {
	at            time.Duration // since when
	remaining     int           // how many bytes are still to be transmitted
	lmp           bool          // takes no time on the air
	sent, arrived func()
}

// A delivery has been transmitted and arrives when its delay is over, and not
// before the flights ahead of it.
type delivery struct {
	due     time.Duration
	arrived func()
}

// send transmits a message, or has it wait its turn.
func (w *direction) send(what message) {
	p, m := w.path, w.path.medium
	if p.closed {
		return
	}
	instant := (what.lmp || p.types == 0) && !p.stalled
	if instant && !m.running && w.queue.empty() && w.deliveries.empty() && p.delay == 0 {
		m.running = true // callbacks do not come here
		if what.sent != nil {
			what.sent()
		}
		if what.arrived != nil {
			if p.stalled || p.delay != 0 {
				w.deliverLater(m.now(), p.delay, what.arrived)
			} else if !p.closed {
				what.arrived()
			}
		}
		m.running = false
		if m.dirty {
			m.run(false)
		}
		return
	}
	what.at = m.now()
	if instant && w.queue.empty() {
		m.queueDrain(w)
	}
	w.queue.push(what)
	m.dirty = true
	if !m.running {
		m.run(false)
	}
}

// ready reports whether the first message of the queue waits for its time on
// the air, and since when.
func (w *direction) ready() (since time.Duration, ok bool) {
	if w.queue.empty() || w.onAir || w.path.types == 0 {
		return 0, false
	}
	first := w.queue.first()
	return max(first.at, w.path.notBefore), !first.lmp
}

// drain passes on what takes no time on the air, up to the first message that
// does.
func (w *direction) drain() {
	p := w.path
	for !p.closed && !p.stalled && !w.onAir && !w.queue.empty() {
		first := w.queue.first()
		if !first.lmp && p.types != 0 {
			return
		}
		w.complete(max(first.at, p.notBefore), p.delay)
	}
}

// complete takes the first message off the queue, whose transmission ended, and
// calls what is to be called now.
func (w *direction) complete(at, delay time.Duration) {
	first := w.queue.pop()
	w.over = max(at, w.over)
	over := w.over
	if first.sent != nil {
		first.sent()
	}
	if first.arrived == nil {
		return
	}
	p := w.path
	if delay == 0 && w.deliveries.empty() && !p.stalled {
		if !p.closed {
			first.arrived()
		}
		return
	}
	w.deliverLater(over, delay, first.arrived)
}

// deliverLater has a message arrive after a delay, and after those that deliverLater already.
func (w *direction) deliverLater(at, delay time.Duration, arrived func()) {
	if w.path.closed {
		return
	}
	w.deliveries.push(delivery{at + delay, arrived})
	w.path.medium.dirty = true
}

// arrival returns when the first of flying arrives.
func (w *direction) arrival() (due time.Duration, ok bool) {
	if w.path.stalled || w.deliveries.empty() {
		return 0, false
	}
	return max(w.deliveries.first().due, w.path.notBefore), true
}
