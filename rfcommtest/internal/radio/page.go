package radio

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A Page is a station's call for another, to have a link with it.
type Page struct {
	From  *Station
	Class uint32 // of the device that pages

	to               hcipacket.Address
	delivered        bool // the other station has heard it
	ended            bool
	arrived          bool // the time that a page takes has passed
	arrival, timeout *time.Timer
	done             func(e *End, status hcipacket.Status)
}

// Page calls another station, and then done: with this end of the new link, or
// with the reason why there is none. It waits no longer than timeout for an
// answer. Done is not called if a page of the other station makes the link
// first, or after Cancel.
func (s *Station) Page(to hcipacket.Address, class uint32, timeout time.Duration, done func(e *End, status hcipacket.Status)) *Page {
	p := &Page{From: s, Class: class, to: to, done: done}
	s.radio.pages[p] = struct{}{}
	if s.PageTimeout != 0 {
		timeout = s.PageTimeout
	}
	pageTime := s.radio.pageDelay(s.address, to)
	p.timeout = p.after(timeout, func() { p.fail(hcipacket.PageTimeout) })
	if pageTime <= timeout {
		p.arrival = p.after(pageTime, func() {
			p.arrived = true
			p.retry()
		})
	}
	return p
}

// pageDelay is how long a page takes to be heard.
func (r *Radio) pageDelay(from, to hcipacket.Address) time.Duration {
	if r.stations[to] == nil {
		return 0 // nobody hears it; hosts can ask for any number of addresses
	}
	conditions := r.Conditions(from, to)
	return conditions.PageDelay + conditions.delay
}

// retry tries to reach the other station.
func (p *Page) retry() {
	if p.arrived && !p.delivered && !p.ended && p.From.canPage(p.From.radio.stations[p.to]) {
		p.deliver()
	}
}

// after calls f later, unless the page ends before; if it is time already, at
// once.
func (p *Page) after(d time.Duration, f func()) *time.Timer {
	if d <= 0 {
		f()
		return nil
	}
	return time.AfterFunc(d, func() {
		p.From.Locked(func() {
			if !p.ended {
				f()
			}
		})
	})
}

// deliver hands the page to the station that hears it.
func (p *Page) deliver() {
	other := p.From.radio.stations[p.to]
	if other.Refusal != 0 {
		p.fail(other.Refusal)
		return
	}
	if l := p.From.radio.Conditions(p.From.address, p.to).connection; l != nil {
		l.disconnectRemaining() // before the other is told of the page
	}
	p.delivered = true
	p.timeout.Stop() // it was heard: the other's host has a time limit of its own
	other.receiver.Paged(p)
}

// Cancel takes the page back. It reports whether there was still time for it.
func (p *Page) Cancel() bool {
	open := !p.ended
	p.end()
	return open
}

func (p *Page) end() {
	p.ended = true
	for _, timer := range []*time.Timer{p.arrival, p.timeout} {
		if timer != nil {
			timer.Stop()
		}
	}
	delete(p.From.radio.pages, p)
}

func (p *Page) fail(status hcipacket.Status) {
	if p.ended {
		return
	}
	p.end()
	p.done(nil, status)
}

// Reject answers a page with a reason.
func (p *Page) Reject(reason hcipacket.Status) { p.fail(reason) }

// Ended reports whether the page can no longer be answered.
func (p *Page) Ended() bool { return p.ended }

// Accept answers a page with a link. The controller that accepts is told first,
// by ready: it must know of the link before the first data comes. Any other page
// between the two ends without a word. It reports whether the page was still
// there.
func (p *Page) Accept(ready func(e *End)) bool {
	if p.ended {
		return false
	}
	r := p.From.radio
	to := r.stations[p.to]
	for other := range r.pages {
		if other.From == to && other.to == p.From.address {
			other.end()
		}
	}
	p.end()
	l := r.connect(p.From, to)
	ready(l.ends[1])
	p.done(l.ends[0], hcipacket.Success)
	return true
}
