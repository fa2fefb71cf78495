// Package radio simulates the radio between Bluetooth controllers: who hears
// whose page, which links there are, and what goes wrong with them.
//
// A radio has a station for each controller. A station pages another, and if
// that accepts, the two have a link, whose ends carry ACL fragments and the
// messages of their link managers. How long fragments are on the air, and in
// which order they arrive, is the matter of package air.
//
// One lock, the Radio's, guards everything. Callers hold it, and the radio calls
// back with it held.
package radio

import (
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// SlotTime is the unit of a controller's timeouts (Core Specification, Volume 2,
// Part B, section 2.2.2).
const SlotTime = air.SlotTime

// A Radio is what stations share. The zero value is not ready for use.
type Radio struct {
	sync.Mutex
	medium     *air.Medium
	stations   map[hcipacket.Address]*Station
	conditions map[[2]hcipacket.Address]*Conditions
	pages      map[*Page]struct{}
	inquiries  map[*Inquiry]struct{}
}

// New returns a radio without stations.
func New() *Radio {
	r := &Radio{
		stations:   make(map[hcipacket.Address]*Station),
		conditions: make(map[[2]hcipacket.Address]*Conditions),
		pages:      make(map[*Page]struct{}),
		inquiries:  make(map[*Inquiry]struct{}),
	}
	r.medium = air.NewMedium(&r.Mutex)
	return r
}

// Close stops the radio: nothing passes any more, and nothing is called.
func (r *Radio) Close() {
	for _, s := range r.stations {
		s.Reset()
	}
	r.medium.Close()
}

// A Receiver is the controller at a station. The radio calls it.
type Receiver interface {
	// Paged is called when another station's page arrives. The answer is the
	// page's Accept or Reject, now or later.
	Paged(p *Page)
}

// A Station is one controller's transceiver.
type Station struct {
	radio    *Radio
	address  hcipacket.Address
	receiver Receiver
	air      *air.Station
	links    map[*End]struct{}

	pageScan    bool // answers pages
	inquiryScan bool // answers inquiries
	unreachable bool // out of range: answers nothing, whatever it scans for
	resets      int  // how often: what it waited for before is forgotten

	// If not zero, pages are turned down for this reason.
	Refusal hcipacket.Status
	// How long its pages wait for an answer, if not zero, whatever its host says.
	PageTimeout time.Duration
}

// NewStation adds a station.
func (r *Radio) NewStation(address hcipacket.Address, receiver Receiver) *Station {
	s := &Station{radio: r, address: address, receiver: receiver, air: r.medium.NewStation(), links: make(map[*End]struct{})}
	r.stations[address] = s
	return s
}

// Address returns the station's BD_ADDR.
func (s *Station) Address() hcipacket.Address { return s.address }

// SetPageScan says whether the station answers pages.
func (s *Station) SetPageScan(on bool) {
	s.pageScan = on
	s.radio.retry()
}

// SetInquiryScan says whether the station answers inquiries.
func (s *Station) SetInquiryScan(on bool) {
	s.inquiryScan = on
	s.radio.retry()
}

// SetReachable says whether the station can be heard, as it is at first. If not,
// it answers nothing, whatever it scans for.
func (s *Station) SetReachable(reachable bool) {
	s.unreachable = !reachable
	s.radio.retry()
}

// Airtime returns how much of the station's air time has been used.
func (s *Station) Airtime() air.Duration { return s.air.Airtime() }

// Reset makes a station forget its links and pages without a word, as a
// controller does that is reset or loses its power. Those at the other ends
// notice when their supervision timeouts pass.
func (s *Station) Reset() {
	s.pageScan, s.inquiryScan = false, false
	s.resets++
	for p := range s.radio.pages {
		if p.From == s {
			p.end()
		} else if p.to == s.address && p.delivered {
			p.fail(hcipacket.PageTimeout)
		}
	}
	for search := range s.radio.inquiries {
		if search.from == s {
			search.End()
		}
	}
	for e := range s.links {
		e.remove()
		e.peer.startSupervision()
	}
}

// PageForName asks for another station by a page that makes no link, such as one for its
// name. It calls done with the other's controller, or with nil if there is no
// answer within timeout. Done is not called after a Silence, or after cancel.
func (s *Station) PageForName(to hcipacket.Address, timeout time.Duration, done func(other Receiver)) (cancel func()) {
	cancelled := false
	answer := func(other Receiver) {
		if !cancelled {
			done(other)
		}
	}
	if s.PageTimeout != 0 {
		timeout = s.PageTimeout
	}
	pageTime := s.radio.pageDelay(s.address, to)
	s.later(min(pageTime, timeout), func() {
		if other := s.radio.stations[to]; pageTime <= timeout && s.canPage(other) {
			answer(other.receiver)
			return
		}
		s.later(timeout-min(pageTime, timeout), func() { answer(nil) })
	})
	return func() { cancelled = true }
}

// later calls f after some time, unless the station is silenced before.
func (s *Station) later(d time.Duration, f func()) {
	silenced := s.resets
	time.AfterFunc(d, func() {
		s.Locked(func() {
			if s.resets == silenced {
				f()
			}
		})
	})
}

// Locked calls f with the radio's lock held, which the caller does not hold.
func (s *Station) Locked(f func()) {
	s.radio.Lock()
	defer s.radio.Unlock()
	f()
}

// Receiver returns the controller at the station.
func (s *Station) Receiver() Receiver { return s.receiver }

// canPage reports whether a page would reach another station.
func (s *Station) canPage(other *Station) bool {
	return other != nil && other != s && other.pageScan && s.canReach(other)
}

// retry has pages and inquiries that somebody has not heard yet try again:
// something has changed.
func (r *Radio) retry() {
	for p := range r.pages {
		p.retry()
	}
	for search := range r.inquiries {
		search.find()
	}
}

func (s *Station) canReach(other *Station) bool {
	return !s.unreachable && !other.unreachable && !s.radio.Conditions(s.address, other.address).stalled
}
