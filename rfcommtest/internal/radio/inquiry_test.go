package radio_test

import (
	"slices"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

const (
	general = 0x9e8b33
	limited = 0x9e8b00
)

// A search records the responses to an inquiry: how many slots after the
// beginning, and of which device.
type search struct {
	*radio.Inquiry
	began     time.Time
	responses []response
}

type response struct {
	slot int
	from byte
}

// inquire makes a device inquire. The radio's lock is held.
func (d *device) inquire(code uint32) *search {
	s := &search{began: time.Now()}
	s.Inquiry = d.station.Inquire(code, func(other radio.Receiver, _ int8) {
		slot := int(time.Since(s.began) / radio.SlotTime)
		s.responses = append(s.responses, response{slot, other.(*device).station.Address()[5]})
	})
	return s
}

// take returns the responses since the last call of take.
func (s *search) take() []response {
	all := s.responses
	s.responses = nil
	return all
}

// found returns the devices that have responded since the last call of take.
func (s *search) found() string {
	devices := []byte{'-', '-', '-'}
	for _, r := range s.take() {
		devices[r.from] = '0' + r.from
	}
	return string(devices)
}

// The device backs off again before each response, whatever happens to others
// meanwhile. A response follows one slot after the packet that it answers.
func TestInquiryResponsesAfterBackoffs(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		backoffs := []int{1023, 0, 511, 30_000}
		r.Random = func(n int) int {
			if n != 1024 {
				t.Errorf("a number below %d is drawn", n)
			}
			next := backoffs[0]
			backoffs = backoffs[1:]
			return next
		}
		var s *search
		locked(r, func() {
			d[1].station.SetInquiryScan(general)
			s = d[0].inquire(general)
			if len(s.responses) != 0 {
				t.Error("a response in the instant of the inquiry")
			}
		})
		time.Sleep(1000 * radio.SlotTime)
		locked(r, func() { d[2].station.SetReachable(true) })
		time.Sleep(1000 * radio.SlotTime)
		locked(r, func() {
			if got, want := s.take(), []response{{1024, 1}, {1025, 1}, {1537, 1}}; !slices.Equal(got, want) {
				t.Errorf("responses %v, want %v", got, want)
			}
			s.End()
		})
		time.Sleep(time.Minute)
		if got := s.take(); len(got) != 0 {
			t.Errorf("after the end: %v", got)
		}
	})
}

// A device responds four times in 1.28 s on average.
func TestInquiryResponseRate(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		const windows = 1000
		var s *search
		locked(r, func() {
			d[1].station.SetInquiryScan(general)
			s = d[0].inquire(general)
		})
		time.Sleep(windows * 1280 * time.Millisecond)
		r.Lock()
		defer r.Unlock()
		all := s.take()
		if n := len(all); n < 3.8*windows || n > 4.2*windows {
			t.Errorf("%d responses, want about %d", n, 4*windows)
		}
		shortest, longest := 1024, 0
		for i := range all[1:] {
			backoff := all[i+1].slot - all[i].slot
			shortest, longest = min(shortest, backoff), max(longest, backoff)
		}
		if shortest < 1 || shortest > 20 || longest > 1024 || longest < 1000 {
			t.Errorf("%d to %d slots between responses, want about 1 to 1024", shortest, longest)
		}
	})
}

func TestInquiryFindsDevicesInReach(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		r.Random = func(int) int { return 99 }
		searches := make([]*search, len(d))
		change := func(what string, change func(), want ...string) {
			t.Helper()
			locked(r, change)
			time.Sleep(100 * radio.SlotTime)
			locked(r, func() {
				for i, want := range want {
					if got := searches[i].found(); got != want {
						t.Errorf("%s: %d found %q, want %q", what, i, got, want)
					}
				}
			})
		}
		far := r.Conditions(addressOf(0), addressOf(2))
		change("none scans", func() {
			for i := range d {
				searches[i] = d[i].inquire(general)
			}
		}, "---", "---", "---")
		change("all scan", func() {
			for i := range d {
				d[i].station.SetInquiryScan(general)
			}
		}, "-12", "0-2", "01-")
		change("a stall", far.Stall, "-1-", "0-2", "-1-")
		change("one is out of reach", func() { d[1].station.SetReachable(false) }, "---", "---", "---")
		change("the end of the stall", far.Resume, "--2", "---", "0--")
		change("back in reach", func() { d[1].station.SetReachable(true) }, "-12", "0-2", "01-")
		change("one does not scan", func() { d[2].station.SetInquiryScan() }, "-1-", "0--", "01-")
		change("one is reset", d[1].station.Reset, "---", "---", "0--")
		change("another is reset", d[0].station.Reset, "---", "---", "---")
	})
}

func TestInquiryAccessCodes(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		for _, tt := range []struct {
			inquiry uint32
			scans   []uint32
			want    string
		}{
			{general, []uint32{general}, "-1-"},
			{limited, []uint32{general}, "---"},
			{general, []uint32{limited}, "---"},
			{limited, []uint32{general, limited}, "-1-"},
			{general, []uint32{limited, general}, "-1-"},
		} {
			var s *search
			locked(r, func() {
				d[1].station.SetInquiryScan(tt.scans...)
				s = d[0].inquire(tt.inquiry)
			})
			time.Sleep(1024 * radio.SlotTime)
			locked(r, func() {
				if got := s.found(); got != tt.want {
					t.Errorf("inquiry %x, scans %x: found %q, want %q", tt.inquiry, tt.scans, got, tt.want)
				}
				s.End()
			})
		}
	})
}
