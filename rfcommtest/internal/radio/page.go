package radio

import (
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// A Page is a station's request for a connection with another station.
type Page struct {
	From  *Station
	Class uint32 // of the paging device

	to               hcipacket.Address
	delivered        bool // the page has arrived at the other station
	ended            bool
	arrived          bool // the page delay has passed
	arrival, timeout *time.Timer
	done             func(e *End, status hcipacket.Status)
}

// Page pages another station. It calls done with this end of the new
// connection, or with the status if there is none. The other station must hear
// the page within timeout. Done is not called if a page of the other station
// makes the connection first, or after Cancel.
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

// pageDelay returns how long a page takes until the other station hears it.
func (r *Radio) pageDelay(from, to hcipacket.Address) time.Duration {
	if r.stations[to] == nil {
		return 0 // no such station; do not create conditions for every address that hosts page
	}
	conditions := r.Conditions(from, to)
	return conditions.PageDelay + conditions.delay
}

// retry delivers the page if the other station can hear it now.
func (p *Page) retry() {
	if p.arrived && !p.delivered && !p.ended && p.From.canPage(p.From.radio.stations[p.to]) {
		p.deliver()
	}
}

// after calls f after d, unless the page ends before. If d is not positive, it
// calls f immediately.
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

// deliver passes the page to the station that hears it.
func (p *Page) deliver() {
	other := p.From.radio.stations[p.to]
	if other.Refusal != 0 {
		p.fail(other.Refusal)
		return
	}
	if c := p.From.radio.Conditions(p.From.address, p.to).connection; c != nil {
		c.disconnectRemaining() // before the other controller receives the page
	}
	p.delivered = true
	p.timeout.Stop() // the page was heard; the other host's accept timeout applies from now on
	other.receiver.Paged(p)
}

// Cancel ends the page and reports whether it was still pending.
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

// Reject ends the page with a reason.
func (p *Page) Reject(reason hcipacket.Status) { p.fail(reason) }

// Ended reports whether the page has ended, so that it cannot be answered.
func (p *Page) Ended() bool { return p.ended }

// Accept makes a connection and reports whether the page was still pending. It
// calls ready with the accepting end before it notifies the paging end, because
// the accepting controller must know the connection before the first data
// arrives. A page in the other direction ends without notification.
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
	c := r.connect(p.From, to)
	ready(c.ends[1])
	p.done(c.ends[0], hcipacket.Success)
	return true
}
