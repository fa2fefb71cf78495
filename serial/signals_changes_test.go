package serial

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeModem is a ModemLines whose inputs a test sets.
type fakeModem struct {
	mu      sync.Mutex
	signals Signals
	err     error
	reads   int
}

func (m *fakeModem) Signals() (Signals, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	return m.signals, m.err
}

func (m *fakeModem) SetSignals(set, clear Signals) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.signals = m.signals&^clear | set
	return nil
}

func (m *fakeModem) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func TestChangesReturnsEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &fakeModem{signals: CTS}
		steps := []struct{ set, clear Signals }{{DSR, 0}, {DSR, 0}, {0, CTS}, {RI | CD, DSR}}
		go func() {
			for _, step := range steps {
				time.Sleep(time.Second)
				m.SetSignals(step.set, step.clear)
			}
			time.Sleep(time.Second)
			m.fail(errors.ErrUnsupported)
		}()
		var got []Signals
		for signals, err := range Changes(t.Context(), m, 0) {
			if err != nil {
				if err != errors.ErrUnsupported {
					t.Errorf("the error is %v, want that of Signals", err)
				}
				continue
			}
			got = append(got, signals)
		}
		if want := []Signals{CTS, DSR | CTS, DSR, RI | CD}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestChangesPollsAtInterval(t *testing.T) {
	for interval, want := range map[time.Duration]int{0: 21, time.Millisecond: 1001, 400 * time.Millisecond: 3} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second+time.Nanosecond)
			defer cancel()
			m := &fakeModem{}
			for range Changes(ctx, m, interval) {
			}
			if m.reads != want {
				t.Errorf("with interval %v, the signals were read %d times in 1 s, want %d", interval, m.reads, want)
			}
		})
	}
}

func TestChangesEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began, rounds := time.Now(), 0
		for _, err := range Changes(ctx, &fakeModem{}, time.Hour) {
			if err != nil {
				t.Error(err)
			}
			rounds++
			cancel()
		}
		if took := time.Since(began); rounds != 1 || took != 0 {
			t.Errorf("got %d values and the end after %v, want 1 and the end at once", rounds, took)
		}
	})
}

func TestChangesEndsWithLoop(t *testing.T) {
	m := &fakeModem{}
	for range Changes(t.Context(), m, time.Hour) {
		break
	}
	if m.reads != 1 {
		t.Errorf("the signals were read %d times, want once", m.reads)
	}
}

func TestChangesRefusesNegativeInterval(t *testing.T) {
	m := &fakeModem{}
	var got error
	for _, got = range Changes(t.Context(), m, -time.Second) {
	}
	if got == nil || !strings.Contains(got.Error(), "invalid interval -1s") || m.reads != 0 {
		t.Errorf("the error is %v after %d reads, want one that names the interval, and no read", got, m.reads)
	}
}
