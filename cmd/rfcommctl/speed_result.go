package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/airlink"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
)

// speedResults are the results of a measurement.
type speedResults struct {
	trips   []time.Duration
	totals  []testTotals
	ceiling *speed.Ceiling // nil: the packets are not known
	assumed bool           // the packets of one end are not known
	signals []airlink.Signal
	losses  int
}

// testTotals are the counts of a test, over all connections.
type testTotals struct {
	speedTest
	speed.Totals
}

// add adds the counts of a test.
func (r *speedResults) add(test speedTest, totals speed.Totals) {
	i := slices.IndexFunc(r.totals, func(t testTotals) bool { return t.speedTest == test })
	if i < 0 {
		r.totals = append(r.totals, testTotals{test, totals})
		return
	}
	r.totals[i].Send = r.totals[i].Send.Add(totals.Send)
	r.totals[i].Receive = r.totals[i].Receive.Add(totals.Receive)
}

// share returns the share of a rate in the ceiling, or nil.
func (r *speedResults) share(bits float64, both bool) *float64 {
	if r.ceiling == nil {
		return nil
	}
	limit := r.ceiling.OneWay
	if both {
		limit = r.ceiling.Both
	}
	share := rounded(bits / limit)
	return &share
}

// sortedTrips returns the round trips, the shortest first.
func (r *speedResults) sortedTrips() []time.Duration { return slices.Sorted(slices.Values(r.trips)) }

// trip returns the round trip that a share of all round trips does not exceed.
// trips are sorted.
func trip(trips []time.Duration, share float64) time.Duration {
	return trips[max(int(math.Ceil(share*float64(len(trips))))-1, 0)]
}

// median returns the median of sorted round trips.
func median(trips []time.Duration) time.Duration {
	n := len(trips)
	return (trips[(n-1)/2] + trips[n/2]) / 2
}

// lines returns the results for people: a title and a text each.
func (r *speedResults) lines() (lines [][2]string) {
	add := func(title, format string, arguments ...any) {
		lines = append(lines, [2]string{title, fmt.Sprintf(format, arguments...)})
	}
	if trips := r.sortedTrips(); len(trips) > 0 {
		add("round trip", "min %s, median %s, 95 %% %s, max %s",
			tripText(trips[0]), tripText(median(trips)), tripText(trip(trips, 0.95)), tripText(trips[len(trips)-1]))
	}
	for _, t := range r.totals {
		switch {
		case t.name == "echo":
			add("echo", "%s there and back%s", rateOf(t.Receive), shareText(r.share(2*t.Receive.Rate(), true)))
		case t.send && t.receive:
			add("both", "send %s, receive %s%s", bitsText(t.Send.Rate()), bitsText(t.Receive.Rate()), shareText(r.share(t.Send.Rate()+t.Receive.Rate(), true)))
		case t.send:
			add("send", "%s%s", rateOf(t.Send), shareText(r.share(t.Send.Rate(), false)))
		default:
			add("receive", "%s%s", rateOf(t.Receive), shareText(r.share(t.Receive.Rate(), false)))
		}
	}
	if c := r.ceiling; c != nil {
		known := "the longest of both adapters"
		if r.assumed {
			known = "assumed, as the packets of one adapter are not known"
		}
		add("ceiling", "%s one way, %s both ways, with %s packets (%s)", bitsText(c.OneWay), bitsText(c.Both), c.Packets, known)
	}
	if rssi, quality := r.ranges(); rssi != nil {
		add("signal", "RSSI %d to %d dB, link quality %d to %d of 255", rssi.Min, rssi.Max, quality.Min, quality.Max)
	}
	if r.losses > 0 {
		add("losses", "%d", r.losses)
	}
	return lines
}

// A rangeJSON is the range of a figure.
type rangeJSON struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// ranges returns the ranges of the signal, or nil.
func (r *speedResults) ranges() (rssi, quality *rangeJSON) {
	for i, s := range r.signals {
		if i == 0 {
			rssi, quality = &rangeJSON{s.RSSI, s.RSSI}, &rangeJSON{s.Quality, s.Quality}
		}
		*rssi = rangeJSON{min(rssi.Min, s.RSSI), max(rssi.Max, s.RSSI)}
		*quality = rangeJSON{min(quality.Min, s.Quality), max(quality.Max, s.Quality)}
	}
	return rssi, quality
}

// bitsText returns a number of bits per second for people.
func bitsText(bits float64) string {
	switch {
	case bits < 9.95e3:
		return fmt.Sprintf("%.1f kbit/s", bits/1e3)
	case bits < 9.995e6:
		return fmt.Sprintf("%.0f kbit/s", bits/1e3)
	case bits < 9.995e9:
		return fmt.Sprintf("%.0f Mbit/s", bits/1e6)
	}
	return fmt.Sprintf("%.0f Gbit/s", bits/1e9)
}

// rateOf returns the rate of a count for people, in bits and bytes.
func rateOf(c speed.Count) string {
	return fmt.Sprintf("%s (%s)", bitsText(c.Rate()), rateText(c.Rate()/8))
}

// shareText returns a share of the ceiling for people, or "".
func shareText(share *float64) string {
	if share == nil {
		return ""
	}
	return fmt.Sprintf(", %.0f %%", *share*100)
}

// tripText returns the time of a round trip for people.
func tripText(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
}

// rounded returns a number with at most three digits after the point.
func rounded(x float64) float64 { return math.Round(x*1e3) / 1e3 }

// finish prints the summary.
func (m *measurement) finish() error {
	if m.o.json {
		return m.t.printSpeed(m.summary())
	}
	const indent = 12
	width := cmp.Or(m.t.columns, helpWidth)
	if m.t.columns > 0 && m.t.chatty {
		width = m.t.lineWidth() // it can have changed
	}
	for _, line := range m.results.lines() {
		text := trimLines(wrapText(line[1], max(width-indent, 1)))
		text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", indent))
		if _, err := fmt.Fprintf(m.t.stdout, "%-*s%s\n", indent, line[0], text); err != nil {
			return err
		}
	}
	return nil
}

// record records an interval, and prints it.
func (m *measurement) record(s speedSample) {
	s.at = time.Since(m.began)
	if s.signal != nil {
		m.results.signals = append(m.results.signals, *s.signal)
	}
	m.samples = append(m.samples, s)
	if n := len(m.samples); n > 2*maxSamples {
		m.samples = slices.Clone(m.samples[n-maxSamples:])
	}
	m.t.detail("%s", m.results.sampleText(s))
	if m.o.json {
		m.t.printSpeed(m.results.interval(s))
	}
	m.shown.show(m)
}

// maxSamples is the number of intervals that are kept for the graph.
const maxSamples = 1000

// sampleText returns an interval for people.
func (r *speedResults) sampleText(s speedSample) string {
	parts := []string{fmt.Sprintf("%.1f s", s.at.Seconds())}
	if s.gap {
		return parts[0] + ", no connection"
	}
	if s.send != nil {
		parts = append(parts, "send "+bitsText(s.send.Rate()))
	}
	if s.receive != nil {
		parts = append(parts, "receive "+bitsText(s.receive.Rate()))
	}
	return strings.Join(append(parts, signalTexts(s.signal)...), ", ")
}

// signalTexts returns the parts of a text about a signal.
func signalTexts(s *airlink.Signal) []string {
	if s == nil {
		return nil
	}
	return []string{fmt.Sprintf("RSSI %d dB", s.RSSI), fmt.Sprintf("quality %d", s.Quality)}
}
