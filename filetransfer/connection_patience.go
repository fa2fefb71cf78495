package filetransfer

import (
	"sync"
	"time"
)

// A patience limits the time for which reads wait. It may be changed while a
// read waits.
type patience struct {
	changed chan struct{} // receives a token at a change
	clock   *time.Timer   // only for the goroutine that reads; nil before the first wait

	mu      sync.Mutex
	limit   readLimit
	changes int
}

// A readLimit is the time for which the reads that follow may wait.
type readLimit struct {
	forever bool
	end     time.Time // unless renews

	renews bool          // whether progress renews the limit
	left   time.Duration // time for which reads may still wait
	idle   time.Duration // left after progress
	moved  int           // bytes since then
}

func newPatience() patience { return patience{changed: make(chan struct{}, 1)} }

// set replaces the limit, also for a read that waits.
func (p *patience) set(l readLimit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limit = l
	p.changes++
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// renew starts the time of the limit again: idle from now.
func (p *patience) renew(idle time.Duration) {
	p.mu.Lock()
	l := p.limit
	p.mu.Unlock()
	if l.forever {
		return
	}
	l.left, l.end = idle, time.Now().Add(idle)
	p.set(l)
}

// renews reports whether progress renews the limit.
func (p *patience) renews() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit.renews
}

func (p *patience) version() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changes
}

// endless is longer than any read waits.
const endless = time.Duration(1<<63 - 1)

// left returns the time for which a read may wait now.
func (p *patience) left() (left time.Duration, version int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.limit.forever:
		left = endless
	case p.limit.renews:
		left = p.limit.left
	default:
		left = time.Until(p.limit.end)
	}
	return left, p.changes
}

// spend records that a read has waited and received n bytes, unless the limit
// has changed since. It reports whether the bytes renew the limit.
func (p *patience) spend(waited time.Duration, n, version int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.limit
	if version != p.changes || !l.renews {
		return false
	}
	l.left -= waited
	if l.moved += n; l.moved < minProgress {
		return false
	}
	l.left, l.moved = l.idle, 0
	return true
}

// startClock returns a channel that receives a value after d.
func (p *patience) startClock(d time.Duration) <-chan time.Time {
	switch {
	case d == endless:
		return nil
	case p.clock == nil:
		p.clock = time.NewTimer(d)
	default:
		p.clock.Reset(d)
	}
	return p.clock.C
}

func (p *patience) stopClock() {
	if p.clock != nil {
		p.clock.Stop()
	}
}
