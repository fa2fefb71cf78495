package air

import (
	"slices"
	"sync"
	"time"
)

// A Medium is the air that stations share, with its clock.
type Medium struct {
	lock   sync.Locker
	epoch  time.Time
	timer  *time.Timer
	armed  time.Duration // when timer wakes; never: not at all
	closed bool

	// paths holds those that are open or in an exchange; the one that had no
	// exchange for the longest time first.
	paths []*Path

	at      time.Duration    // the virtual time: how far all is worked out
	round   int              // the number of the last round of choices
	running bool             // callbacks run, further up the stack
	dirty   bool             // there is something for run to do
	toDrain fifo[*direction] // those whose first message may need no air
	woken   fifo[*Path]      // those of which the timer should look at both ways
}

// never is later than everything.
const never time.Duration = 1<<63 - 1

// NewMedium returns a medium whose methods and callbacks, and those of its
// stations and paths, run with the lock held.
func NewMedium(lock sync.Locker) *Medium {
	return &Medium{lock: lock, epoch: time.Now(), armed: never}
}

// Close stops the medium: nothing is called any more.
func (m *Medium) Close() {
	m.closed = true
	if m.timer != nil {
		m.timer.Stop()
	}
	for _, p := range m.paths {
		p.close()
	}
	m.paths = nil
	m.toDrain.clear()
	m.woken.clear()
}

// now is the time since the epoch.
func (m *Medium) now() time.Duration { return time.Since(m.epoch) }

// queueDrain puts a way on the list of those whose first message may need no air.
func (m *Medium) queueDrain(w *direction) {
	if !w.drainQueued && !m.closed {
		w.drainQueued = true
		m.toDrain.push(w)
	}
}

// add puts a new path before those that had an exchange.
func (m *Medium) add(p *Path) {
	i := slices.IndexFunc(m.paths, func(p *Path) bool { return p.lastFirst != nil })
	if i < 0 {
		i = len(m.paths)
	}
	m.paths = slices.Insert(m.paths, i, p)
}

func (m *Medium) remove(p *Path) {
	if i := slices.Index(m.paths, p); i >= 0 {
		m.paths = slices.Delete(m.paths, i, i+1)
	}
}

// wake is called by the timer.
func (m *Medium) wake() {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.armed = never
	m.run(true)
}

// run passes on what needs no air, and works out the exchanges up to the
// present. Then it sets the timer.
//
// Only the timer runs it with catchUp. Else it stops where an exchange ends or
// a delay is over, and leaves that and what is woken to the timer: the caller of
// Send does not reckon with callbacks about what others sent.
func (m *Medium) run(catchUp bool) {
	m.running = true
	defer func() { m.running = false }()
	m.dirty = false
	for !m.closed {
		if catchUp && !m.woken.empty() {
			p := m.woken.pop()
			for i := range p.directions {
				m.queueDrain(&p.directions[i])
			}
		}
		if !m.toDrain.empty() {
			w := m.toDrain.pop()
			w.drainQueued = false
			w.drain()
			continue
		}
		// Callbacks take time, and what they sent has the time of then.
		now := m.now()
		e := m.next()
		if e.at > m.at { // all is known that happens until at
			m.start()
			e = m.next()
		}
		if e.at > now || e.calls && !catchUp {
			break
		}
		m.at = max(m.at, e.at)
		m.process(e)
	}
	m.arm()
}

// arm sets the timer to the next moment at which something is to be called.
func (m *Medium) arm() {
	if m.closed {
		return
	}
	at := never
	if !m.woken.empty() {
		at = m.at
	}
	for _, p := range m.paths {
		if p.exchange.running {
			at = min(at, p.exchange.end)
		}
		for i := range p.directions {
			if due, ok := p.directions[i].arrival(); ok {
				at = min(at, due)
			}
		}
	}
	if at == m.armed {
		return
	}
	m.armed = at
	switch wait := at - m.now(); {
	case at == never:
		m.timer.Stop()
	case m.timer == nil:
		m.timer = time.AfterFunc(wait, m.wake)
	default:
		m.timer.Reset(wait)
	}
}
