package radio_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/radio"
)

// pages holds the results of pages, such as "0-1 at 1s: 0x00 (success)".
type pages struct {
	began   time.Time
	results []string
}

func (p *pages) page(from *device, to byte, timeout time.Duration) *radio.Page {
	return from.station.Page(addressOf(to), 0, timeout, func(e *radio.End, status hcipacket.Status) {
		if e != nil {
			from.enter(e)
		}
		p.results = append(p.results, fmt.Sprintf("%d-%d at %v: %v", from.station.Address()[5], to, time.Since(p.began), status))
	})
}

func (p *pages) want(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(p.results) // pages that end at the same time have no order
	if fmt.Sprint(p.results) != fmt.Sprint(want) {
		t.Errorf("pages ended: %q, want %q", p.results, want)
	}
}

const absent = 9

// The page timeout ends when the page is heard: from then on the other host
// decides, within its accept timeout.
func TestPageOutlivesTimeoutOnceHeard(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		var page *radio.Page
		d[1].hold = func(p *radio.Page) { page = p }
		locked(r, func() { got.page(d[0], 1, time.Second) })
		time.Sleep(4 * time.Second)
		locked(r, func() {
			got.want(t)
			if !page.Accept(d[1].enter) {
				t.Error("the page has ended")
			}
		})
		locked(r, func() { got.want(t, "0-1 at 4s: 0x00 (success)") })
	})
}

func TestPageEndsAtItsTimeout(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		var page *radio.Page
		locked(r, func() {
			r.Conditions(addressOf(0), addressOf(2)).PageDelay = 3 * time.Second
			d[1].station.SetPageScan(false)
			d[1].hold = func(*radio.Page) { t.Error("heard after its timeout") }
			d[2].hold = d[1].hold
			page = got.page(d[0], 1, time.Second)
			got.page(d[0], 2, 2*time.Second)
		})
		time.Sleep(time.Minute)
		locked(r, func() {
			d[1].station.SetPageScan(true)
			want := []string{"0-1 at 1s: 0x04 (page timeout)", "0-2 at 2s: 0x04 (page timeout)"}
			got.want(t, want...)
			if !page.Ended() || page.Cancel() || page.Accept(d[1].enter) {
				t.Error("the page has not ended")
			}
			page.Reject(hcipacket.LimitedResources)
			got.want(t, want...)
		})
	})
}

// Any change on the radio makes pages try again, but not before their delay,
// and not once they have been heard.
func TestPageIsHeardOnceAfterItsDelay(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		var heard []time.Duration
		d[1].hold = func(*radio.Page) { heard = append(heard, time.Since(got.began)) }
		locked(r, func() {
			r.Conditions(addressOf(0), addressOf(1)).PageDelay = 2 * time.Second
			got.page(d[0], 1, 5*time.Second)
		})
		for range 4 {
			time.Sleep(time.Second)
			locked(r, func() { d[2].station.SetPageScan(true) })
		}
		locked(r, func() {
			if !slices.Equal(heard, []time.Duration{2 * time.Second}) {
				t.Errorf("heard at %v, want once, at 2 s", heard)
			}
		})
	})
}

// A connection ends the page in the other direction, and no other page.
func TestPageAcceptEndsTheCrossingPage(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		var page *radio.Page
		d[0].hold = func(p *radio.Page) { page = p }
		locked(r, func() {
			d[1].station.SetPageScan(false) // hears nothing
			got.page(d[0], 1, time.Second)
			got.page(d[0], absent, time.Second)
			got.page(d[2], 1, time.Second)
			got.page(d[1], 0, time.Second)
			page.Accept(d[0].enter)
		})
		time.Sleep(time.Minute)
		locked(r, func() {
			got.want(t, "0-9 at 1s: 0x04 (page timeout)", "1-0 at 0s: 0x00 (success)", "2-1 at 1s: 0x04 (page timeout)")
		})
	})
}

// A reset fails the pages that the station has heard, and no others.
func TestResetFailsHeardPages(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		hold := func(*radio.Page) {}
		d[0].hold, d[1].hold = hold, hold
		locked(r, func() {
			got.page(d[2], 0, time.Second)      // heard by the station that is reset
			got.page(d[2], 1, time.Second)      // heard by another one
			got.page(d[2], absent, time.Second) // not heard
			d[0].station.SetPageScan(false)
			got.page(d[1], 0, time.Second)      // not heard yet
			got.page(d[0], absent, time.Second) // of the station that is reset
		})
		time.Sleep(500 * time.Millisecond)
		locked(r, d[0].station.Reset)
		time.Sleep(time.Minute)
		locked(r, func() {
			got.want(t, "1-0 at 1s: 0x04 (page timeout)", "2-0 at 500ms: 0x04 (page timeout)", "2-9 at 1s: 0x04 (page timeout)")
		})
	})
}

func TestPageToItselfIsNotHeard(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		locked(r, func() { got.page(d[0], 0, time.Second) })
		time.Sleep(time.Minute)
		locked(r, func() { got.want(t, "0-0 at 1s: 0x04 (page timeout)") })
	})
}

func TestPageForNameTimesAndAnswersOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		delay, override time.Duration
		want            string
	}{
		"at once":              {0, 0, "device 1 at 0s"},
		"delayed":              {700 * time.Millisecond, 0, "device 1 at 700ms"},
		"heard too late":       {2 * time.Second, 0, "none at 1s"},
		"longer page timeout":  {2 * time.Second, 3 * time.Second, "device 1 at 2s"},
		"shorter page timeout": {700 * time.Millisecond, 500 * time.Millisecond, "none at 500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, func(r *radio.Radio, d []*device) {
				began, got := time.Now(), []string(nil)
				locked(r, func() {
					r.Conditions(addressOf(0), addressOf(1)).PageDelay = tt.delay
					d[0].station.PageTimeout = tt.override
					d[0].station.PageForName(addressOf(1), time.Second, func(other radio.Receiver) {
						who := "none"
						if other != nil {
							who = fmt.Sprint("device ", other.(*device).station.Address()[5])
						}
						got = append(got, fmt.Sprintf("%s at %v", who, time.Since(began)))
					})
				})
				time.Sleep(time.Minute)
				locked(r, func() {
					if fmt.Sprint(got) != fmt.Sprint([]string{tt.want}) {
						t.Errorf("got %q, want %q", got, tt.want)
					}
				})
			})
		})
	}
}

// After Close, nothing arrives and nothing is called.
func TestCloseStopsPagesAndConnections(t *testing.T) {
	withDevices(t, func(r *radio.Radio, d []*device) {
		got := pages{began: time.Now()}
		conditions := connect(t, r, d[0], d[1])
		fail := func() { t.Error("called after Close") }
		locked(r, func() {
			got.page(d[2], absent, time.Second)
			d[2].station.PageForName(addressOf(absent), time.Second, func(radio.Receiver) { fail() })
			conditions.SetDelay(time.Second)
			d[0].end.Send(9, ignore, fail)
			d[1].end.Detach(hcipacket.RemotePowerOff)
			r.Close()
		})
		time.Sleep(time.Minute)
		locked(r, func() {
			got.want(t)
			d[0].wantDisconnected(t)
		})
	})
}
