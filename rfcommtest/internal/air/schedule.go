package air

import (
	"slices"
	"time"
)

// An event is the next change on a path.
type event struct {
	at      time.Duration
	path    *Path
	arrival *direction // of a message; nil for the next step of an exchange
	calls   bool       // the event may call callbacks
}

// next returns the earliest event that is known. Its time is never if there is
// none.
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
			dir := &p.directions[i]
			if due, ok := dir.arrival(); ok && due < e.at {
				e = event{at: due, path: p, arrival: dir, calls: true}
			}
			since, ok := dir.ready()
			if ok && since > m.at && since < e.at && !p.exchange.running && !p.stalled {
				e = event{at: since, path: p}
			}
		}
	}
	return e
}

// process processes an event.
func (m *Medium) process(e event) {
	switch x := &e.path.exchange; {
	case e.arrival != nil:
		e.arrival.deliveries.pop().arrived()
	case !x.running:
		// A message has been waiting since then: start handles it.
	case x.returnDecided && x.end <= e.at:
		e.path.finish()
	default:
		x.decideReturn(e.at)
	}
}

// start starts the exchanges that can start at the virtual time.
//
// The path whose last exchange was longest ago chooses first. If only one of
// its ends is free, it claims that end; otherwise two stations that are busy in
// turn could miss each other forever. It claims an end only if it is the next
// path at both ends, so that the claimed end waits for one exchange at most.
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

// waits reports whether the path has data for an exchange at that time.
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
