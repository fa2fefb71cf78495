package serial

import (
	"context"
	"errors"
	"net"
	"time"
)

const (
	firstDelay = 500 * time.Millisecond
	maxDelay   = 30 * time.Second

	// stable is the time after which a connection counts as successful. The
	// next delay is then the first one again. A peer that accepts and closes at
	// once is therefore not dialed in a tight loop.
	stable = 10 * time.Second
)

// A backoff determines the delays between attempts to connect: each is twice
// the one before, from firstDelay to maxDelay. The zero value is ready to use.
type backoff struct{ last time.Duration }

// delay returns the delay before the next attempt.
func (b *backoff) delay() time.Duration {
	b.last = min(max(2*b.last, firstDelay), maxDelay)
	return b.last
}

// lasted records the duration of a connection.
func (b *backoff) lasted(d time.Duration) {
	if d >= stable {
		b.last = 0
	}
}

// retry calls attempt until it succeeds, after a delay each time. The cause is
// the reason for the first attempt, such as the end of a connection. Before each
// delay, retry calls report with the delay and the reason for the next attempt;
// report may be nil. It returns an error if ctx is done, or if an attempt fails
// for good; see permanent.
func retry[T any](ctx context.Context, b *backoff, cause error, report func(error, time.Duration), attempt func(context.Context) (T, error)) (T, error) {
	for {
		delay := b.delay()
		if report != nil {
			report(cause, delay)
		}
		var result T
		if err := sleep(ctx, delay); err != nil {
			return result, err
		}
		result, err := attempt(ctx)
		if err == nil {
			return result, nil
		}
		if ctx.Err() != nil || permanent(err) {
			return result, err
		}
		cause = err
	}
}

// permanent reports whether no later attempt can succeed: the listener is
// closed, or the platform lacks RFCOMM. All other errors may pass, since the
// device can be paired, switched on, or moved into range.
func permanent(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, errors.ErrUnsupported)
}

// sleep waits for d, or until ctx is done and then returns its cause.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
