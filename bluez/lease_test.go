package bluez

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A fakeMode is a control that behaves as bluetoothd does: it ends a mode after
// the timeout, also if the process does not.
type fakeMode struct {
	mu    sync.Mutex
	state modeState
	end   *time.Timer
	fail  error // the error of changes to on
}

func newFakeMode(state modeState) *fakeMode {
	m := &fakeMode{}
	m.change(func(s *modeState) { *s = state })
	return m
}

// change changes the state and starts the limit again.
func (m *fakeMode) change(f func(*modeState)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.state)
	if m.end != nil {
		m.end.Stop()
	}
	if m.state.on && m.state.timeout > 0 {
		m.end = time.AfterFunc(time.Duration(m.state.timeout)*time.Second, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.state.on = false
		})
	}
}

func (m *fakeMode) read(context.Context) (modeState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, nil
}

func (m *fakeMode) setTimeout(ctx context.Context, seconds uint32) error {
	m.change(func(s *modeState) { s.timeout = seconds })
	return ctx.Err()
}

func (m *fakeMode) set(ctx context.Context, on bool) error {
	if on && m.fail != nil {
		return m.fail
	}
	if now, _ := m.read(ctx); now.on != on {
		m.change(func(s *modeState) { s.on = on })
	}
	return ctx.Err()
}

var discoverableKey = leaseKey{mode: discoverable}

func beginLease(t *testing.T, s *leases, m *fakeMode, limit time.Duration) *Temporary {
	t.Helper()
	temporary, err := s.begin(t.Context(), discoverableKey, m, limit)
	if err != nil {
		t.Fatal(err)
	}
	return temporary
}

func wantMode(t *testing.T, m *fakeMode, want modeState) {
	t.Helper()
	synctest.Wait()
	if got, _ := m.read(t.Context()); got != want {
		t.Errorf("after %v: %+v, want %+v", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), got, want)
	}
}

var off180, on180, on0 = modeState{false, 180}, modeState{true, 180}, modeState{true, 0}

func TestTemporaryEnds(t *testing.T) {
	for _, before := range []modeState{off180, on180, on0, {false, 0}} {
		for _, by := range []string{"limit", "Close", "Client.Close"} {
			synctest.Test(t, func(t *testing.T) {
				s, m := newLeases(), newFakeMode(before)
				temporary := beginLease(t, s, m, 59500*time.Millisecond)
				during := modeState{true, 60}
				if before == on0 {
					during = on0
				}
				wantMode(t, m, during)
				time.Sleep(59 * time.Second)
				wantMode(t, m, during)
				switch by {
				case "Close":
					temporary.Close()
				case "Client.Close":
					s.close()
				}
				<-temporary.Done()
				wantMode(t, m, before)
				if err := temporary.Close(); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Hour)
				if before.timeout == 0 {
					wantMode(t, m, before)
				} else {
					wantMode(t, m, off180)
				}
			})
		}
	}
}

func TestTemporariesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newLeases(), newFakeMode(off180)
		long := beginLease(t, s, m, 100*time.Second)
		time.Sleep(10 * time.Second)
		short := beginLease(t, s, m, 20*time.Second)
		wantMode(t, m, modeState{true, 90})
		<-short.Done()
		wantMode(t, m, modeState{true, 70})
		longest := beginLease(t, s, m, 200*time.Second)
		long.Close()
		wantMode(t, m, modeState{true, 200})
		longest.Close()
		wantMode(t, m, off180)
	})
}

// A change by another program is kept.
func TestTemporaryLeavesOtherChange(t *testing.T) {
	for _, other := range []modeState{{true, 30}, on0, off180} {
		synctest.Test(t, func(t *testing.T) {
			s, m := newLeases(), newFakeMode(off180)
			temporary := beginLease(t, s, m, time.Minute)
			m.change(func(s *modeState) { *s = other })
			if err := temporary.Close(); err != nil {
				t.Error(err)
			}
			wantMode(t, m, other)
		})
	}
}

func TestTemporaryFailsWithoutChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newLeases(), newFakeMode(off180)
		m.fail = errors.New("not powered")
		if _, err := s.begin(t.Context(), discoverableKey, m, time.Minute); err != m.fail {
			t.Errorf("begin returned the error %v", err)
		}
		wantMode(t, m, off180)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m.fail = nil
		if _, err := s.begin(ctx, discoverableKey, m, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("begin returned the error %v", err)
		}
		wantMode(t, m, off180)
		s.close()
		if _, err := s.begin(t.Context(), discoverableKey, m, time.Minute); !errors.Is(err, errClosed) {
			t.Errorf("begin after close returned the error %v", err)
		}
	})
}

// A stuckMode is a control of a bluetoothd that does not answer.
type stuckMode struct{ *fakeMode }

func (stuckMode) set(ctx context.Context, _ bool) error {
	<-ctx.Done()
	return ctx.Err()
}

// All that close waits for takes 5 s together: another change, and its own.
func TestLeasesCloseIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := newLeases(), newFakeMode(off180)
		beginLease(t, s, m, time.Minute)
		for l := range s.all {
			s.all[l].control = stuckMode{m}
		}
		s.lock(t.Context())
		time.AfterFunc(4*time.Second, s.unlock)
		began := time.Now()
		s.close()
		if took := time.Since(began); took != restoreWait {
			t.Errorf("it took %v", took)
		}
		time.Sleep(time.Minute)
	})
}

func TestSecondsRoundsUp(t *testing.T) {
	var got []uint32
	for _, d := range []time.Duration{-1, 0, 1, time.Second, time.Second + 1, maxLimit} {
		got = append(got, seconds(d))
	}
	if want := []uint32{1, 1, 1, 1, 2, 65535}; !slices.Equal(got, want) {
		t.Errorf("seconds returned %v, want %v", got, want)
	}
}
