package air

import (
	"slices"
	"time"
)

// An event is the next that happens on a path.
type event struct {
	at    time.Duration
	path  *Path
	way   *direction // where a message arrives; nil: the exchange goes on
	calls bool       // it may call back
}

// next returns the earliest event that can be foreseen. Its time is never if
// there is none.
func (m *Medium) next() event {
	e := event{at: never}
	for _, p := range m.paths {
		if x := &p.exchange; x.running {
			if !x.returnDecided && x.returnAt < e.at {
				e = event{at: x.returnAt, path: p}
			} else if x.returnDecided && x.end < e.at {
				e = event{at: x.end, path: p, calls: true}
			}
		}
		for i := range p.directions {
			w := &p.directions[i]
			if due, ok := w.arrival(); ok && due < e.at {
				e = event{at: due, path: p, way: w, calls: true}
			}
			since, ok := w.ready()
			if ok && since > m.at && since < e.at && !p.exchange.running && !p.stalled {
				e = event{at: since, path: p}
			}
		}
	}
	return e
}

// process lets an event process.
func (m *Medium) process(e event) {
	switch x := &e.path.exchange; {
	case e.way != nil:
		e.way.deliveries.pop().arrived()
	case !x.running:
		// Something waits since then: start will see it.
	case x.returnDecided && x.end <= e.at:
		e.path.finish()
	default:
		x.decideReturn(e.at)
	}
}

// start starts the exchanges that can start at the virtual time.
//
// The path that was not served for the longest time chooses first. If only one
// of its ends is free, it claims that, or else two stations that are busy in
// turn could miss each other for ever. It does so only if it is the next one at
// both ends, so that the claimed end waits for one exchange at most.
func (m *Medium) start() {
	m.round++
	for i, n := 0, len(m.paths); i < n; {
		p := m.paths[i]
		a, b := p.directions[0].from, p.directions[1].from
		if !p.waits(m.at) {
			i++
			continue
		}
		next := a.seen != m.round && b.seen != m.round
		a.seen, b.seen = m.round, m.round
		if a.busy || b.busy || a.claimed == m.round || b.claimed == m.round {
			if next {
				a.claimed, b.claimed = m.round, m.round
			}
			i++
			continue
		}
		p.begin(m.at)
		m.paths = append(slices.Delete(m.paths, i, i+1), p)
		n--
	}
}

// waits reports whether the path could start an exchange.
func (p *Path) waits(at time.Duration) bool {
	if p.exchange.running || p.stalled || p.closed {
		return false
	}
	for i := range p.directions {
		if since, ok := p.directions[i].ready(); ok && since <= at {
			return true
		}
	}
	return false
}
