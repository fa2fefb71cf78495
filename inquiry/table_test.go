package inquiry

import (
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

// answer returns the event of one response.
func answer(r response) event {
	return event{code: inquiryResultWithRSSI, responses: []response{r}}
}

func TestTableTakesNews(t *testing.T) {
	first := response{device: nearby, class: 0x1f00, rssi: -60}
	changed := func(change func(r *response)) event {
		r := first
		change(&r)
		return answer(r)
	}
	named := func(name string, shortened bool) event {
		return changed(func(r *response) { r.name, r.shortened = name, shortened })
	}
	requested := func(s status, device rfcomm.BDAddr, name string) event {
		return event{code: nameRequestComplete, status: s, device: device, name: name}
	}
	table := newTable()
	for i, tt := range []struct {
		e    event
		want string // the device as text; "" if there is no news
	}{
		{requested(success, nearby, "early"), ""}, // not known to be in range
		{changed(func(r *response) { r.rssi = RSSIUnknown }), `00:AA:01:00:00:01 Uncategorized`},
		{changed(func(r *response) { r.rssi = RSSIUnknown }), ""},
		{answer(first), `00:AA:01:00:00:01 Uncategorized -60 dBm`},
		{changed(func(r *response) { r.rssi = -70 }), ""},
		{named("OB", true), `00:AA:01:00:00:01 "OB" Uncategorized -60 dBm`},
		{named("OB", true), ""},
		{requested(0x04, nearby, ""), ""},
		{named("OBDII", false), `00:AA:01:00:00:01 "OBDII" Uncategorized -60 dBm`},
		{named("OB", true), ""},
		{answer(first), ""},
		{requested(success, nearby, "OBDII"), ""},
		{requested(success, distant, "other"), ""},
		{requested(success, nearby, "V-LINK"), `00:AA:01:00:00:01 "V-LINK" Uncategorized -60 dBm`},
		{changed(func(r *response) { r.class, r.rssi = 0x020c, -40 }), `00:AA:01:00:00:01 "V-LINK" Phone (Smartphone) -40 dBm`},
	} {
		table.add(tt.e)
		got := ""
		if d, ok := table.take(); ok {
			got = d.String()
		}
		if got != tt.want {
			t.Errorf("%d: %q, want %q", i, got, tt.want)
		}
		if !table.empty() {
			t.Errorf("%d: the same news twice", i)
		}
	}
}

func TestTableLimitsDevices(t *testing.T) {
	table := newTable()
	const more = 10
	for i := range maxDevices + more {
		table.add(answer(response{device: rfcomm.BDAddr{2, 0, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}}))
	}
	taken := 0
	for _, ok := table.take(); ok; _, ok = table.take() {
		taken++
	}
	if taken != maxDevices {
		t.Errorf("%d devices, want %d", taken, maxDevices)
	}
	table.add(answer(response{device: rfcomm.BDAddr{2}, class: 0x1f00}))
	if _, ok := table.take(); !ok {
		t.Error("a known device is not updated any more")
	}
}

func TestTableNameless(t *testing.T) {
	table := newTable()
	wanted := func(want rfcomm.BDAddr) {
		t.Helper()
		if r, ok := table.nameless(); r.device != want || ok == want.IsZero() {
			t.Errorf("%v, %v; want %v", r.device, ok, want)
		}
	}
	none := rfcomm.BDAddr{}
	wanted(none)
	table.add(answer(response{device: nearby, name: "short", shortened: true}))
	table.add(answer(response{device: distant, clockOffset: 1}))
	table.add(answer(response{device: distant, clockOffset: 2}))
	wanted(nearby)
	table.refused(nearby)
	wanted(distant)
	if r, _ := table.nameless(); r.clockOffset != 2 {
		t.Error("the request would not use the last response")
	}
	table.add(answer(response{device: distant, name: "whole"}))
	wanted(none)
	for range 3 {
		table.add(answer(response{device: nearby}))
	}
	wanted(nearby)
	table.refused(nearby)
	table.add(answer(response{device: nearby}))
	wanted(none)
}
