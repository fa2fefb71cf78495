package serial

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// defaultPoll is the interval of Changes. Programs that wait for a signal, such
// as a modem's CD, do so for hundreds of milliseconds; 20 system calls a second
// cost nothing.
const defaultPoll = 50 * time.Millisecond

// Changes returns the modem signals of m and then each change of them. It reads
// the signals at the given interval; the default is 50 ms. RFCOMM ttys report
// no changes (TIOCMIWAIT fails with ENOTTY), and the wait of other ttys cannot
// be interrupted. A change that is reverted within the interval may be missed.
//
// The sequence ends when ctx is done, and after an error of m.
func Changes(ctx context.Context, m ModemLines, interval time.Duration) iter.Seq2[Signals, error] {
	return func(yield func(Signals, error) bool) {
		if interval < 0 {
			yield(0, fmt.Errorf("serial: invalid interval %v of Changes, want a positive duration, or 0 for %v", interval, defaultPoll))
			return
		}
		if interval == 0 {
			interval = defaultPoll
		}
		pollChanges(ctx, m, interval, yield)
	}
}

// pollChanges passes the signals and each change to yield, until yield returns
// false.
func pollChanges(ctx context.Context, m ModemLines, interval time.Duration, yield func(Signals, error) bool) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var last Signals
	for first := true; ctx.Err() == nil; first = false {
		signals, err := m.Signals()
		if err != nil {
			yield(0, err)
			return
		}
		if (first || signals != last) && !yield(signals, nil) {
			return
		}
		last = signals
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}
