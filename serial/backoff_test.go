package serial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoffDoublesTheDelay(t *testing.T) {
	var b backoff
	var got []time.Duration
	for range 9 {
		got = append(got, b.delay())
	}
	const ms, s = time.Millisecond, time.Second
	want := []time.Duration{500 * ms, s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s, 30 * s}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	b.lasted(stable - 1)
	if got := b.delay(); got != maxDelay {
		t.Errorf("%v after a short connection, want %v", got, maxDelay)
	}
	b.lasted(stable)
	if got := b.delay(); got != firstDelay {
		t.Errorf("%v after a stable connection, want %v", got, firstDelay)
	}
}

func TestRetryReportsEachDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var reports []string
		report := func(err error, delay time.Duration) { reports = append(reports, fmt.Sprint(err, " ", delay)) }
		attempts := 0
		got, err := retry(t.Context(), new(backoff), io.EOF, report, func(context.Context) (int, error) {
			attempts++
			if attempts < 3 {
				return 0, fmt.Errorf("failure %d", attempts)
			}
			return attempts, nil
		})
		if got != 3 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
		if want := []string{"EOF 500ms", "failure 1 1s", "failure 2 2s"}; !slices.Equal(reports, want) {
			t.Errorf("reports %q, want %q", reports, want)
		}
		if took := time.Since(start); took != 3500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestRetryEndsAtPermanentErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, want := range []error{net.ErrClosed, errors.ErrUnsupported} {
			_, err := retry(t.Context(), new(backoff), nil, nil, func(context.Context) (int, error) {
				return 0, &net.OpError{Op: "accept", Err: want}
			})
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
	})
}

func TestRetryEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure, cause := errors.New("failure"), errors.New("cause")
		for name, wait := range map[string]time.Duration{"delay": firstDelay / 2, "attempt": firstDelay + 1} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(wait, func() { cancel(cause) })
			_, err := retry(ctx, new(backoff), nil, nil, func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, failure
			})
			if want := map[string]error{"delay": cause, "attempt": failure}[name]; err != want {
				t.Errorf("during the %s: %v, want %v", name, err, want)
			}
		}
	})
}
