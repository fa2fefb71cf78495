package air

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A fixture is a medium under test, on the fake clock. Its methods take the
// lock.
type fixture struct {
	*testing.T
	lock
	*Medium
	epoch time.Time
}

// A lock is a mutex for which goroutines of a bubble wait durably, so that the
// fake clock goes on while it is held.
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

// withFixture runs a test on the fake clock.
func withFixture(t *testing.T, test func(*fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &fixture{T: t, lock: make(lock, 1), epoch: time.Now()}
		b.Medium = NewMedium(b.lock)
		test(b)
		b.do(b.Medium.Close)
	})
}

// do calls a function with the lock held.
func (b *fixture) do(f func()) {
	b.Lock()
	defer b.Unlock()
	f()
}

// path returns a path between two new stations.
func (b *fixture) path(types PacketTypes) (p *Path, near, far *Station) {
	near, far = b.NewStation(), b.NewStation()
	p = b.Connect(near, far)
	p.SetPacketTypes(types)
	return p, near, far
}

// since is the virtual time, in slots.
func (b *fixture) since() float64 { return float64(time.Since(b.epoch)) / float64(SlotTime) }

// until sleeps to a virtual time, in slots, and lets everything happen that is
// due by then.
func (b *fixture) until(slots float64) {
	b.do(func() {}) // for the race detector: after what the test read
	time.Sleep(time.Duration(slots*float64(SlotTime)) - time.Since(b.epoch))
	synctest.Wait()
}

// want compares when something was called, in slots, with when it should have
// been.
func (b *fixture) want(what string, got []float64, want ...float64) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (b *fixture) wantOrder(got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%v, want %v", got, want)
	}
}

// keepSending sends fragments from an end as a controller with two buffers
// does, and counts those that arrive.
func (b *fixture) keepSending(p *Path, from *Station, size int, arrived *int) {
	var next func()
	next = func() { p.Send(from, size, next, func() { *arrived++ }) }
	next()
	next()
}

// times notes when something is called.
func (b *fixture) times() (call func(), times *[]float64) {
	times = new([]float64)
	return func() { *times = append(*times, b.since()) }, times
}
