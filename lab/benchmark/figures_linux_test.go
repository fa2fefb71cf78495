package main

import (
	"bufio"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReportedFindsNumberOfUnit(t *testing.T) {
	for line, want := range map[string]int64{
		"4096 bytes": 4096,
		"rctest[178]: 263120 bytes in 0.22 sec, 1180.64 kB/s": 263120,
	} {
		if got, err := reported(line, "bytes"); got != want || err != nil {
			t.Errorf("%q: got %d, %v; want %d", line, got, err, want)
		}
	}
	for _, line := range []string{"", "bytes", "many bytes", "12 trips"} {
		if got, err := reported(line, "bytes"); err == nil {
			t.Errorf("%q: got %d, want an error", line, got)
		}
	}
}

func TestQuotientsPairRoundsOfBoth(t *testing.T) {
	rate := func(units int64) sample { return sample{units: units, wall: time.Second} }
	failed := sample{}
	o := outcomes{samples: map[string][]sample{
		"a": {rate(2), failed, rate(6), rate(8)},
		"b": {rate(1), rate(1), failed, rate(2)},
	}}
	if got := o.quotients("a", "b", sample.megabytes); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("got %v, want 2 and 4", got)
	}
	if got := o.times("a", "nobody", sample.megabytes); got != "—" {
		t.Errorf("to nobody: got %q", got)
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values     []float64
		part, want float64
	}{
		{[]float64{3}, 0.5, 3},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{5, 4, 1, 3, 2}, 0.25, 2},
	} {
		if got := quantile(c.values, c.part); got != c.want {
			t.Errorf("%v at %v: got %v, want %v", c.values, c.part, got, c.want)
		}
	}
	if got := median(nil); !math.IsNaN(got) {
		t.Errorf("of nothing: got %v", got)
	}
}

func TestFigureShowsSpread(t *testing.T) {
	for want, values := range map[string][]float64{
		"2.50 (1.00–4.00)": {4, 1, 3, 2},
		"0.62 (0.55–0.66)": {0.62, 0.548, 0.663},
		"3.00":             {3},
		"0.99":             {0.991, 0.9911, 0.9912},
	} {
		if got := figure(values, "%.2f"); got != want {
			t.Errorf("%v: got %q, want %q", values, got, want)
		}
	}
	rate := func(units int64) sample { return sample{units: units, wall: time.Second} }
	o := outcomes{samples: map[string][]sample{"a": {rate(2e6), rate(6e6)}, "b": {rate(1e6), rate(1e6)}}}
	if got, want := o.cell("a", sample.megabytes, "%.1f"), "4.0 (2.0–6.0)"; got != want {
		t.Errorf("cell: got %q, want %q", got, want)
	}
	if got, want := o.times("a", "b", sample.megabytes), "4.00 (2.00–6.00)"; got != want {
		t.Errorf("times: got %q, want %q", got, want)
	}
}

func TestRoundsSkipPeerThatHangs(t *testing.T) {
	tries := map[string]int{}
	o := rounds(3, []string{"hanging", "failing", "working"}, func(name string) (sample, error) {
		tries[name]++
		switch name {
		case "hanging":
			return sample{}, errHangs
		case "failing":
			return sample{}, errors.New("no")
		}
		return sample{units: 1e6, wall: time.Second}, nil
	})
	for name, want := range map[string]struct {
		tries int
		cell  string
	}{"hanging": {1, "hangs"}, "failing": {3, "fails"}, "working": {3, "1.0"}, "absent": {0, "—"}} {
		if cell := o.cell(name, sample.megabytes, "%.1f"); tries[name] != want.tries || cell != want.cell {
			t.Errorf("%s: %d tries and %q, want %d and %q", name, tries[name], cell, want.tries, want.cell)
		}
	}
}

func TestSplitSayingsOfObexftp(t *testing.T) {
	scanner := bufio.NewScanner(strings.NewReader("Connecting...|\b/\bdone\nSending \"file\"...|\b/\bdone\nDisconnecting..."))
	scanner.Split(splitSayings)
	var got []string
	for scanner.Scan() {
		got = append(got, scanner.Text())
	}
	want := []string{"Connecting...|", "/", "done", "Sending \"file\"...|", "/", "done", "Disconnecting..."}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSlowest(t *testing.T) {
	for _, c := range []struct {
		shares []int64
		want   float64
	}{{[]int64{5}, 1}, {[]int64{10, 30}, 0.5}, {[]int64{0, 0}, 0}} {
		if got := slowest(c.shares); got != c.want {
			t.Errorf("%v: got %v, want %v", c.shares, got, c.want)
		}
	}
}
