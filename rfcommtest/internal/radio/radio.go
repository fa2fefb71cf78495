// Package radio simulates the radio between Bluetooth controllers: pages,
// inquiries, ACL connections, and their faults.
//
// A radio has a station for each controller. A station pages another station,
// which can accept the page. The two then have a connection, whose ends carry
// ACL fragments and messages of the link manager protocol (LMP). Package air
// determines the air time of fragments and the order in which they arrive.
//
// The lock of the Radio guards everything in this package. Callers must hold
// it, and the radio calls callbacks with the lock held, unless noted otherwise.
package radio

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/air"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// SlotTime is the unit of a controller's timeouts (Core Specification, Volume
// 2, Part B, section 2.2.3).
const SlotTime = air.SlotTime

// A Radio is the medium that stations share. Create it with New.
type Radio struct {
	sync.Mutex
	medium     *air.Medium
	stations   map[hcipacket.Address]*Station
	conditions map[[2]hcipacket.Address]*Conditions
	pages      map[*Page]struct{}
	inquiries  map[*Inquiry]struct{}

	// Random returns a random number from 0 to n-1. Tests replace it.
	Random func(n int) int
}

// New returns a radio without stations.
func New() *Radio {
	r := &Radio{
		stations:   make(map[hcipacket.Address]*Station),
		conditions: make(map[[2]hcipacket.Address]*Conditions),
		pages:      make(map[*Page]struct{}),
		inquiries:  make(map[*Inquiry]struct{}),
		Random:     rand.IntN,
	}
	r.medium = air.NewMedium(&r.Mutex)
	return r
}

// Close stops the radio. Nothing arrives and no callbacks are called
// afterwards.
func (r *Radio) Close() {
	for _, s := range r.stations {
		s.Reset()
	}
	r.medium.Close()
}

// A Receiver is the controller at a station. The radio calls its methods.
type Receiver interface {
	// Paged is called when another station's page arrives. The receiver calls
	// the page's Accept or Reject, either within Paged or later.
	Paged(p *Page)
}

// A Station is one controller's transceiver.
type Station struct {
	radio    *Radio
	address  hcipacket.Address
	receiver Receiver
	air      *air.Station
	ends     map[*End]struct{}

	pageScan    bool     // answers pages
	inquiryScan []uint32 // the access codes of the inquiries that it answers
	unreachable bool     // out of range: answers nothing, even while scanning
	resets      int      // the number of calls of Reset; each cancels the functions that later has scheduled

	// Refusal is the reason for rejecting all pages. If zero, pages are
	// accepted.
	Refusal hcipacket.Status
	// PageTimeout overrides the host's page timeout for pages of this station.
	// If zero, the host's value applies.
	PageTimeout time.Duration
}

// NewStation adds a station.
func (r *Radio) NewStation(address hcipacket.Address, receiver Receiver) *Station {
	s := &Station{radio: r, address: address, receiver: receiver, air: r.medium.NewStation(), ends: make(map[*End]struct{})}
	r.stations[address] = s
	return s
}

// Address returns the station's BD_ADDR.
func (s *Station) Address() hcipacket.Address { return s.address }

// SetPageScan sets whether the station answers pages.
func (s *Station) SetPageScan(on bool) {
	s.pageScan = on
	s.radio.retry()
}

// SetInquiryScan sets the access codes of the inquiries that the station
// answers.
func (s *Station) SetInquiryScan(codes ...uint32) {
	s.inquiryScan = codes
	s.radio.retry()
}

// SetReachable sets whether the station is in range, which is the default. An
// unreachable station answers nothing, even while scanning.
func (s *Station) SetReachable(reachable bool) {
	s.unreachable = !reachable
	s.radio.retry()
}

// Airtime returns the traffic to and from the station.
func (s *Station) Airtime() air.Airtime { return s.air.Airtime() }

// Reset makes a station drop its connections and pages without notifying
// anyone, like a controller that is reset or loses power. The other ends lose
// the connections when their supervision timeouts expire.
func (s *Station) Reset() {
	s.pageScan, s.inquiryScan = false, nil
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
	for e := range s.ends {
		e.remove()
		e.peer.startSupervision()
	}
}

// PageForName pages another station without making a connection, for example to
// read its name. It calls done with the other station's controller, or with nil
// if none answers within timeout. It does not call done after Reset or after
// cancel.
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

// later calls f after d, unless Reset is called before.
func (s *Station) later(d time.Duration, f func()) {
	before := s.resets
	time.AfterFunc(d, func() {
		s.Locked(func() {
			if s.resets == before {
				f()
			}
		})
	})
}

// Locked acquires the radio's lock and calls f. The caller must not hold the
// lock.
func (s *Station) Locked(f func()) {
	s.radio.Lock()
	defer s.radio.Unlock()
	f()
}

// Receiver returns the controller at the station.
func (s *Station) Receiver() Receiver { return s.receiver }

// canPage reports whether a page reaches another station now.
func (s *Station) canPage(other *Station) bool {
	return other != nil && other != s && other.pageScan && s.canReach(other)
}

// retry makes pending pages and inquiries try again after a change.
func (r *Radio) retry() {
	for p := range r.pages {
		p.retry()
	}
	for search := range r.inquiries {
		search.find()
	}
}

// canReach reports whether two stations are in range and not stalled.
func (s *Station) canReach(other *Station) bool {
	return !s.unreachable && !other.unreachable && !s.radio.Conditions(s.address, other.address).stalled
}
