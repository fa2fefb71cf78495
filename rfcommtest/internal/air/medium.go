package air

import (
	"slices"
	"sync"
	"time"
)

// A Medium is the air that stations share, with its virtual clock.
type Medium struct {
	lock   sync.Locker
	epoch  time.Time
	timer  *time.Timer
	armed  time.Duration // when timer fires, or never
	closed bool

	// paths holds the paths that are open or in an exchange. The path whose
	// last exchange was longest ago is the first.
	paths []*Path

	at      time.Duration    // the virtual time: everything up to it has been simulated
	round   int              // the number of the last call of start
	running bool             // callbacks are running, further up the stack
	dirty   bool             // run has something to do
	toDrain fifo[*direction] // directions whose first message may take no air time
	woken   fifo[*Path]      // paths whose directions the timer should drain
}

// never is later than any other time.
const never time.Duration = 1<<63 - 1

// NewMedium returns a medium. Its methods and callbacks, and those of its
// stations and paths, run with the lock held.
func NewMedium(lock sync.Locker) *Medium {
	return &Medium{lock: lock, epoch: time.Now(), armed: never}
}

// Close stops the medium. No callbacks are called afterwards.
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

// now returns the time since the epoch.
func (m *Medium) now() time.Duration { return time.Since(m.epoch) }

// queueDrain adds a direction to the list of those whose first message may take
// no air time.
func (m *Medium) queueDrain(dir *direction) {
	if !dir.drainQueued && !m.closed {
		dir.drainQueued = true
		m.toDrain.push(dir)
	}
}

// add inserts a new path before the paths that have had an exchange.
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

// run passes messages that take no air time, and simulates the exchanges up to
// the present. Then it sets the timer.
//
// Only the timer calls run with catchUp. Without catchUp, run stops at the end
// of an exchange or of a delay, and leaves that, and the woken paths, to the
// timer: the caller of Send does not expect callbacks for the messages of
// others.
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
			dir := m.toDrain.pop()
			dir.drainQueued = false
			dir.drain()
			continue
		}
		// Read the clock in each round: callbacks take time, and messages that
		// they send have the time at which they were sent.
		now := m.now()
		e := m.next()
		if e.at > m.at { // everything that happens until at is known
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

// arm sets the timer to the next time at which a callback may be due.
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
