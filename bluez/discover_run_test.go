package bluez

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/paging"
)

var fakeAddress = rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 0}

// A fakeRadio records when a discovery starts and stops.
type fakeRadio struct {
	*discovery
	lost  chan error
	log   []string
	began time.Time
	fail  []error // of the next starts
	ended chan error
}

// newFakeRadio runs a discovery.
func newFakeRadio(ctx context.Context, left time.Duration, options DiscoverOptions, fail ...error) *fakeRadio {
	r := &fakeRadio{began: time.Now(), lost: make(chan error, 1), fail: fail, ended: make(chan error, 1)}
	r.discovery = &discovery{
		start: r.start,
		stop:  func(context.Context) error { r.record("stop"); return nil },
		radio: paging.Register(fakeAddress),
		found: newFoundTable(&options),
		lost:  r.lost,
		left:  left,
		names: !options.NoNameWait,
	}
	go func() { r.ended <- r.run(ctx) }()
	return r
}

func (r *fakeRadio) start(context.Context) error {
	if len(r.fail) > 0 {
		err := r.fail[0]
		r.fail = r.fail[1:]
		if err != nil {
			r.record("refused")
			return err
		}
	}
	r.record("start")
	return nil
}

func (r *fakeRadio) record(what string) {
	r.log = append(r.log, fmt.Sprint(what, " ", time.Since(r.began)))
}

// find adds a device, with a name unless it is empty.
func (r *fakeRadio) find(path dbus.ObjectPath, name string) {
	all := values{"Address": dbus.MakeVariant("00:AA:01:00:00:42"), "RSSI": dbus.MakeVariant(int16(-40))}
	if name != "" {
		all["Name"] = dbus.MakeVariant(name)
	}
	r.found.add(path, all)
}

// wantEnd checks the error and the log when the discovery has ended.
func (r *fakeRadio) wantEnd(t *testing.T, want error, log ...string) {
	t.Helper()
	if err := <-r.ended; !errors.Is(err, want) {
		t.Errorf("run returned the error %v, want %v", err, want)
	}
	if !slices.Equal(r.log, log) {
		t.Errorf("got %q, want %q", r.log, log)
	}
}

func TestDiscoverEndsAfterDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), 3*time.Second, DiscoverOptions{})
		r.find("/a", "a")
		r.wantEnd(t, nil, "start 0s", "stop 3s")
	})
}

// The kernel requests names after it has inquired for 10.24 s.
func TestDiscoverAwaitsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), 3*time.Second, DiscoverOptions{})
		r.find("/a", "")
		r.find("/b", "")
		time.Sleep(15 * time.Second)
		r.find("/a", "a")
		time.Sleep(5 * time.Second)
		r.find("/b", "b")
		r.wantEnd(t, nil, "start 0s", "stop 20s")
	})
}

func TestDiscoverGivesUpNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), inquiryTime, DiscoverOptions{})
		r.find("/a", "")
		r.wantEnd(t, nil, "start 0s", "stop 16.24s")
	})
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), inquiryTime, DiscoverOptions{NoNameWait: true})
		r.find("/a", "")
		r.wantEnd(t, nil, "start 0s", "stop 10.24s")
	})
}

// The time in which a page interrupts the discovery does not count.
func TestDiscoverYieldsToPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), 10*time.Second, DiscoverOptions{})
		time.Sleep(4 * time.Second)
		end := paging.Begin(t.Context(), fakeAddress)
		if last := r.log[len(r.log)-1]; last != "stop 4s" {
			t.Errorf("Begin returned after %q", last)
		}
		time.Sleep(7 * time.Second)
		end()
		r.wantEnd(t, nil, "start 0s", "stop 4s", "start 11s", "stop 17s")
	})
}

func TestDiscoverWaitsForPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := paging.Begin(t.Context(), [6]byte{})
		r := newFakeRadio(t.Context(), time.Second, DiscoverOptions{})
		time.Sleep(5 * time.Second)
		end()
		r.wantEnd(t, nil, "start 5s", "stop 6s")
	})
	synctest.Test(t, func(t *testing.T) {
		defer paging.Begin(t.Context(), [6]byte{})()
		ctx, cancel := context.WithCancel(t.Context())
		r := newFakeRadio(ctx, time.Second, DiscoverOptions{})
		cancel()
		r.wantEnd(t, context.Canceled)
	})
}

func TestDiscoverRetriesWhileBusy(t *testing.T) {
	busy := &Error{Op: "StartDiscovery", Err: ErrInProgress}
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), time.Second, DiscoverOptions{}, busy, busy)
		r.wantEnd(t, nil, "refused 0s", "refused 500ms", "start 1s", "stop 2s")
	})
	synctest.Test(t, func(t *testing.T) {
		r := newFakeRadio(t.Context(), time.Second, DiscoverOptions{}, slices.Repeat([]error{busy}, 1000)...)
		err := <-r.ended
		if took := time.Since(r.began); took != busyWait || !errors.Is(err, ErrInProgress) {
			t.Errorf("run returned the error %v after %v", err, took)
		}
	})
}

func TestDiscoverStopsForErrors(t *testing.T) {
	for _, want := range []error{ErrPowerOff, ErrNoAdapter, ErrNoDaemon} {
		synctest.Test(t, func(t *testing.T) {
			r := newFakeRadio(t.Context(), -1, DiscoverOptions{})
			time.Sleep(time.Hour)
			r.lost <- want
			if want == ErrPowerOff {
				r.wantEnd(t, want, "start 0s", "stop 1h0m1s")
			} else {
				r.wantEnd(t, want, "start 0s", "stop 1h0m0s")
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // bluetoothd switches an adapter off that is removed
		r := newFakeRadio(t.Context(), -1, DiscoverOptions{})
		r.lost <- ErrPowerOff
		time.Sleep(time.Second / 2)
		r.lost <- ErrNoAdapter
		r.wantEnd(t, ErrNoAdapter, "start 0s", "stop 500ms")
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		newFakeRadio(ctx, -1, DiscoverOptions{}).wantEnd(t, context.DeadlineExceeded, "start 0s", "stop 2s")
	})
	synctest.Test(t, func(t *testing.T) {
		off := &Error{Op: "StartDiscovery", Err: ErrPowerOff}
		newFakeRadio(t.Context(), -1, DiscoverOptions{}, off).wantEnd(t, ErrPowerOff, "refused 0s")
	})
}
