package air

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A testbed is a medium under test, on the fake clock. Its methods acquire the
// lock.
type testbed struct {
	*testing.T
	lock
	*Medium
	epoch time.Time
}

// A lock is a mutex on which goroutines of a bubble block durably, so that the
// fake clock advances while it is held.
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

// withTestbed runs a test on the fake clock.
func withTestbed(t *testing.T, test func(*testbed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &testbed{T: t, lock: make(lock, 1), epoch: time.Now()}
		b.Medium = NewMedium(b.lock)
		test(b)
		b.do(b.Medium.Close)
	})
}

// do calls a function with the lock held.
func (b *testbed) do(f func()) {
	b.Lock()
	defer b.Unlock()
	f()
}

// path returns a path between two new stations.
func (b *testbed) path(types PacketTypes) (p *Path, near, far *Station) {
	near, far = b.NewStation(), b.NewStation()
	p = b.Connect(near, far)
	p.SetPacketTypes(types)
	return p, near, far
}

// since returns the virtual time, in slots.
func (b *testbed) since() float64 { return float64(time.Since(b.epoch)) / float64(SlotTime) }

// until sleeps until a virtual time, in slots, and until everything due by then
// has happened.
func (b *testbed) until(slots float64) {
	b.do(func() {}) // for the race detector: orders earlier reads of the test
	time.Sleep(time.Duration(slots*float64(SlotTime)) - time.Since(b.epoch))
	synctest.Wait()
}

// want compares the times of calls, in slots, with the expected times.
func (b *testbed) want(what string, got []float64, want ...float64) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%s: %v, want %v", what, got, want)
	}
}

func (b *testbed) wantOrder(got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%v, want %v", got, want)
	}
}

// keepSending sends fragments from one end, like a controller with two buffers,
// and counts the fragments that arrive.
func (b *testbed) keepSending(p *Path, from *Station, size int, arrived *int) {
	var next func()
	next = func() { p.Send(from, size, next, func() { *arrived++ }) }
	next()
	next()
}

// times returns a function that records the times of its calls.
func (b *testbed) times() (call func(), times *[]float64) {
	times = new([]float64)
	return func() { *times = append(*times, b.since()) }, times
}
