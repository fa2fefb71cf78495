package air

import "time"

// A direction is one of the two directions of a path.
type direction struct {
	path        *Path
	from        *Station
	queue       fifo[message]
	onAir       bool // the first message of queue is part of the exchange
	drainQueued bool // the direction is in Medium.toDrain
	deliveries  fifo[delivery]
	over        time.Duration // the end of the last transmission
}

// A message waits for its transmission.
type message struct {
	at            time.Duration // the time at which it was sent
	remaining     int           // the number of bytes that are not transmitted yet
	lmp           bool          // an LMP message, which takes no air time
	sent, arrived func()
}

// A delivery is a transmitted message that has not arrived yet. It arrives when
// its delay has passed, but not before the deliveries ahead of it.
type delivery struct {
	due     time.Duration
	arrived func()
}

// send transmits a message, or queues it if it cannot pass at once.
func (dir *direction) send(msg message) {
	p, m := dir.path, dir.path.medium
	if p.closed {
		return
	}
	instant := (msg.lmp || p.types == 0) && !p.stalled
	if instant && !m.running && dir.queue.empty() && dir.deliveries.empty() && p.delay == 0 {
		m.running = true // messages sent by the callbacks are queued
		if msg.sent != nil {
			msg.sent()
		}
		if msg.arrived != nil {
			if p.stalled || p.delay != 0 {
				dir.deliverLater(m.now(), p.delay, msg.arrived)
			} else if !p.closed {
				msg.arrived()
			}
		}
		m.running = false
		if m.dirty {
			m.run(false)
		}
		return
	}
	msg.at = m.now()
	if instant && dir.queue.empty() {
		m.queueDrain(dir)
	}
	dir.queue.push(msg)
	m.dirty = true
	if !m.running {
		m.run(false)
	}
}

// ready reports whether the first message of the queue waits for air time, and
// since when.
func (dir *direction) ready() (since time.Duration, ok bool) {
	if dir.queue.empty() || dir.onAir || dir.path.types == 0 {
		return 0, false
	}
	first := dir.queue.first()
	return max(first.at, dir.path.notBefore), !first.lmp
}

// drain passes queued messages that take no air time, up to the first one that
// does.
func (dir *direction) drain() {
	p := dir.path
	for !p.closed && !p.stalled && !dir.onAir && !dir.queue.empty() {
		first := dir.queue.first()
		if !first.lmp && p.types != 0 {
			return
		}
		dir.complete(max(first.at, p.notBefore), p.delay)
	}
}

// complete removes the first message from the queue at the end of its
// transmission, and calls the callbacks that are due.
func (dir *direction) complete(at, delay time.Duration) {
	first := dir.queue.pop()
	dir.over = max(at, dir.over)
	over := dir.over
	if first.sent != nil {
		first.sent()
	}
	if first.arrived == nil {
		return
	}
	p := dir.path
	if delay == 0 && dir.deliveries.empty() && !p.stalled {
		if !p.closed {
			first.arrived()
		}
		return
	}
	dir.deliverLater(over, delay, first.arrived)
}

// deliverLater queues the arrival of a message after a delay, and after the
// deliveries that are already queued.
func (dir *direction) deliverLater(at, delay time.Duration, arrived func()) {
	if dir.path.closed {
		return
	}
	dir.deliveries.push(delivery{at + delay, arrived})
	dir.path.medium.dirty = true
}

// arrival returns when the first delivery arrives.
func (dir *direction) arrival() (due time.Duration, ok bool) {
	if dir.path.stalled || dir.deliveries.empty() {
		return 0, false
	}
	return max(dir.deliveries.first().due, dir.path.notBefore), true
}
