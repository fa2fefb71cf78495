package bluez

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// attempts returns a function that returns the errors in turn, and then none,
// and a pointer to the number of its calls.
func attempts(errs ...error) (attempt func() (int, error), calls *int) {
	calls = new(int)
	return func() (int, error) {
		*calls++
		if *calls <= len(errs) {
			return 0, errs[*calls-1]
		}
		return 42, nil
	}, calls
}

func TestRetryProfile(t *testing.T) {
	other := errors.New("other")
	holds := func(held bool) func() bool { return func() bool { return held } }
	for name, tt := range map[string]struct {
		errs  []error
		holds bool
		want  error
		calls int
	}{
		"no error":                  {nil, false, nil, 1},
		"busy, then no error":       {[]error{ErrInProgress, ErrInProgress}, true, nil, 3},
		"closed a moment ago":       {[]error{&Error{Err: ErrConnected}}, false, nil, 2},
		"open":                      {[]error{&Error{Err: ErrConnected}}, true, ErrConnected, 1},
		"another error":             {[]error{other}, false, other, 1},
		"another error, in the end": {[]error{ErrInProgress, other}, false, other, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempt, calls := attempts(tt.errs...)
				got, err := retryProfile(t.Context(), attempt, holds(tt.holds))
				if !errors.Is(err, tt.want) || *calls != tt.calls || (err == nil) != (got == 42) {
					t.Errorf("got %d, %v after %d attempts; want the error %v after %d", got, err, *calls, tt.want, tt.calls)
				}
			})
		})
	}
}

func TestRetryProfileGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := retryProfile(t.Context(),
			func() (int, error) { return 0, ErrInProgress }, func() bool { return false })
		if took := time.Since(start); err != ErrInProgress || took > 5*time.Second || took < 4*time.Second {
			t.Errorf("got the error %v after %v", err, took)
		}
	})
}

func TestRetryProfileEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := retryProfile(ctx,
			func() (int, error) { return 0, ErrInProgress }, func() bool { return false })
		hosttest.WantMatches(t, err, []error{context.DeadlineExceeded, ErrInProgress}, nil)
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
