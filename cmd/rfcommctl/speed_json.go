package main

import (
	"time"

	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
)

// A connectedJSON is a new connection.
type connectedJSON struct {
	Type    string  `json:"type"`
	Seconds float64 `json:"seconds"`
	Peer    string  `json:"peer"`
}

// A lostJSON is a lost connection.
type lostJSON struct {
	Type    string  `json:"type"`
	Seconds float64 `json:"seconds"`
	Reason  string  `json:"reason"`
}

// An intervalJSON is an interval, or a gap.
type intervalJSON struct {
	Type    string    `json:"type"`
	Seconds float64   `json:"seconds"`
	Test    string    `json:"test"`
	Send    *rateJSON `json:"send,omitempty"`
	Receive *rateJSON `json:"receive,omitempty"`
	RSSI    *int      `json:"rssi,omitempty"`
	Quality *int      `json:"link_quality,omitempty"`
}

// A rateJSON is the throughput of a direction.
type rateJSON struct {
	Bytes   int64    `json:"bytes"`
	Seconds float64  `json:"seconds"`
	Kbit    float64  `json:"kbit_per_s"`
	Share   *float64 `json:"share,omitempty"`
}

// A bothJSON is the throughput of both directions at once.
type bothJSON struct {
	Send    *rateJSON `json:"send"`
	Receive *rateJSON `json:"receive"`
	Kbit    float64   `json:"kbit_per_s"`
	Share   *float64  `json:"share,omitempty"`
}

// A tripsJSON describes round trips, in milliseconds.
type tripsJSON struct {
	Count  int     `json:"count"`
	Min    float64 `json:"min_ms"`
	Median float64 `json:"median_ms"`
	P95    float64 `json:"p95_ms"`
	Max    float64 `json:"max_ms"`
}

// A ceilingJSON is the payload of an ideal radio.
type ceilingJSON struct {
	Packets string  `json:"packets"`
	OneWay  float64 `json:"one_way_kbit_per_s"`
	Both    float64 `json:"both_ways_kbit_per_s"`
	Assumed bool    `json:"assumed"`
}

// A summaryJSON is the result of a measurement.
type summaryJSON struct {
	Type      string       `json:"type"`
	Seconds   float64      `json:"seconds"`
	RoundTrip *tripsJSON   `json:"round_trip,omitempty"`
	Send      *rateJSON    `json:"send,omitempty"`
	Receive   *rateJSON    `json:"receive,omitempty"`
	Both      *bothJSON    `json:"both,omitempty"`
	Echo      *rateJSON    `json:"echo,omitempty"`
	Ceiling   *ceilingJSON `json:"ceiling,omitempty"`
	RSSI      *rangeJSON   `json:"rssi,omitempty"`
	Quality   *rangeJSON   `json:"link_quality,omitempty"`
	Losses    int          `json:"losses"`
}

// printSpeed prints an object. The output keeps its error.
func (t *tool) printSpeed(value any) error { return writeJSON(t.stdout, value) }

// rate returns the throughput of a direction. With alone, it has a share.
func (r *speedResults) rate(c *speed.Count, alone bool) *rateJSON {
	if c == nil {
		return nil
	}
	rate := &rateJSON{Bytes: c.Bytes, Seconds: rounded(c.Elapsed.Seconds()), Kbit: rounded(c.Rate() / 1e3)}
	if alone {
		rate.Share = r.share(c.Rate(), false)
	}
	return rate
}

// interval returns the object of an interval.
func (r *speedResults) interval(s speedSample) intervalJSON {
	if s.gap {
		return intervalJSON{Type: "gap", Seconds: rounded(s.at.Seconds()), Test: s.test}
	}
	alone := s.send == nil || s.receive == nil
	i := intervalJSON{
		Type: "interval", Seconds: rounded(s.at.Seconds()), Test: s.test,
		Send: r.rate(s.send, alone), Receive: r.rate(s.receive, alone),
	}
	if s.signal != nil {
		i.RSSI, i.Quality = &s.signal.RSSI, &s.signal.Quality
	}
	return i
}

// summary returns the last object.
func (m *measurement) summary() summaryJSON {
	r := &m.results
	s := summaryJSON{Type: "summary", Seconds: m.seconds(), RoundTrip: r.tripsJSON(), Losses: r.losses}
	for _, t := range r.totals {
		switch {
		case t.name == "echo":
			s.Echo = r.rate(&t.Receive, false)
			s.Echo.Share = r.share(2*t.Receive.Rate(), true)
		case t.send && t.receive:
			bits := t.Send.Rate() + t.Receive.Rate()
			s.Both = &bothJSON{r.rate(&t.Send, false), r.rate(&t.Receive, false), rounded(bits / 1e3), r.share(bits, true)}
		case t.send:
			s.Send = r.rate(&t.Send, true)
		default:
			s.Receive = r.rate(&t.Receive, true)
		}
	}
	if c := r.ceiling; c != nil {
		s.Ceiling = &ceilingJSON{c.Packets, rounded(c.OneWay / 1e3), rounded(c.Both / 1e3), r.assumed}
	}
	s.RSSI, s.Quality = r.ranges()
	return s
}

// tripsJSON returns the round trips, or nil if there are none.
func (r *speedResults) tripsJSON() *tripsJSON {
	if len(r.trips) == 0 {
		return nil
	}
	trips := r.sortedTrips()
	ms := func(d time.Duration) float64 { return rounded(d.Seconds() * 1e3) }
	return &tripsJSON{len(trips), ms(trips[0]), ms(median(trips)), ms(trip(trips, 0.95)), ms(trips[len(trips)-1])}
}
