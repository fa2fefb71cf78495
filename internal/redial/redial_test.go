package redial

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// A fakeConn is a connection, or none.
type fakeConn bool

// A fakeDial is a Retrier whose attempts return the given errors in turn and
// then repeat the last one. A nil error means success. Run it in a synctest
// bubble.
type fakeDial struct {
	errs   []error
	lasts  time.Duration // of each attempt
	closed bool          // what RecentlyClosed reports
	held   bool          // what HeldHere reports

	attempts []time.Duration // when each began
}

func (f *fakeDial) dial(ctx context.Context) (fakeConn, error) {
	began := time.Now()
	r := Retrier[fakeConn]{
		Attempt: func(ctx context.Context) (fakeConn, error) {
			err := f.errs[min(len(f.attempts), len(f.errs)-1)]
			f.attempts = append(f.attempts, time.Since(began))
			if !Sleep(ctx, f.lasts) {
				return false, ctx.Err()
			}
			if err != nil {
				return false, err
			}
			return true, nil
		},
		RecentlyClosed: func() bool { return f.closed },
		HeldHere:       func() bool { return f.held },
	}
	return r.Dial(ctx)
}

// connectError returns the error of an attempt whose connect(2) failed.
func connectError(errno syscall.Errno) error { return os.NewSyscallError("connect", errno) }

func TestRetrierTriesAgainWhileClosing(t *testing.T) {
	for _, errno := range []syscall.Errno{
		syscall.EBUSY, syscall.ECONNRESET, syscall.EALREADY, syscall.ECONNABORTED, syscall.ENOMEM,
		syscall.EPROTO, syscall.ENOTCONN,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := fakeDial{errs: []error{connectError(errno), connectError(errno), nil}}
			if _, err := f.dial(t.Context()); err != nil {
				t.Errorf("%v: %v after %d attempts", errno, err, len(f.attempts))
			}
			wantAttempts(t, f, 0, firstPause, 3*firstPause)
		})
	}
}

func TestRetrierGivesUpAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeDial{errs: []error{connectError(syscall.EBUSY)}, lasts: time.Second}
		if _, err := f.dial(t.Context()); err != f.errs[0] {
			t.Errorf("got %v, want the error of the last attempt", err)
		}
		// The 5 s begin when the first attempt has failed.
		if last := f.attempts[len(f.attempts)-1]; last > 6*time.Second || last < 5*time.Second-lastPause {
			t.Errorf("the last of %d attempts began after %v", len(f.attempts), last)
		}
	})
}

func TestRetrierPausesGrowToHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeDial{errs: []error{connectError(syscall.EBUSY)}}
		f.dial(t.Context())
		for i := range f.attempts[1:] {
			want := min(5*time.Millisecond<<i, 500*time.Millisecond)
			if got := f.attempts[i+1] - f.attempts[i]; got != want {
				t.Errorf("pause %d was %v, want %v", i, got, want)
			}
		}
	})
}

func TestRetrierRetriesARefusalBriefly(t *testing.T) {
	refused := connectError(syscall.ECONNREFUSED)
	for _, tt := range []struct {
		name     string
		closed   bool
		errs     []error
		attempts []time.Duration
		want     error
	}{
		{"no close before", false, []error{refused}, []time.Duration{0}, refused},
		{"refused always", true, []error{refused}, []time.Duration{0, firstPause, 3 * firstPause, 7 * firstPause, 15 * firstPause}, refused},
		{"refused twice", true, []error{refused, refused, nil}, []time.Duration{0, firstPause, 3 * firstPause}, nil},
		{"busy between", true, []error{refused, connectError(syscall.EBUSY), refused, nil}, []time.Duration{0, firstPause, 3 * firstPause, 7 * firstPause}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeDial{errs: tt.errs, closed: tt.closed}
				if _, err := f.dial(t.Context()); err != tt.want {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				wantAttempts(t, f, tt.attempts...)
			})
		})
	}
}

func TestRetrierReturnsOtherErrorsAtOnce(t *testing.T) {
	for _, err := range []error{
		connectError(syscall.EHOSTUNREACH),
		connectError(syscall.ETIMEDOUT),
		connectError(syscall.EACCES),
		os.NewSyscallError("bind", syscall.EBUSY),
		syscall.EBUSY,
		errors.New("from ControlContext"),
	} {
		synctest.Test(t, func(t *testing.T) {
			f := fakeDial{errs: []error{err, nil}}
			if _, got := f.dial(t.Context()); got != err || len(f.attempts) != 1 {
				t.Errorf("%v after %d attempts, want %v after 1", got, len(f.attempts), err)
			}
		})
	}
}

func TestRetrierEndsWithItsContext(t *testing.T) {
	busy := connectError(syscall.EBUSY)
	for _, tt := range []struct {
		name     string
		errs     []error
		lasts    time.Duration
		within   time.Duration
		attempts int
	}{
		{"in the first attempt", []error{nil}, time.Second, 100 * time.Millisecond, 1},
		{"in a pause", []error{busy}, 0, firstPause / 2, 1},
		{"in a later attempt", []error{busy, nil}, 100 * time.Millisecond, 150 * time.Millisecond, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.within)
				defer cancel()
				began := time.Now()
				f := fakeDial{errs: tt.errs, lasts: tt.lasts}
				_, err := f.dial(ctx)
				if took := time.Since(began); took != tt.within || len(f.attempts) != tt.attempts {
					t.Errorf("ended after %v and %d attempts, want %v and %d", took, len(f.attempts), tt.within, tt.attempts)
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v: does not match the deadline", err)
				}
				if got, want := errors.Is(err, syscall.EBUSY), tt.errs[0] == busy; got != want {
					t.Errorf("%v: matching EBUSY is %v, want %v", err, got, want)
				}
			})
		})
	}
}

// wantAttempts checks the start times of the attempts.
func wantAttempts(t *testing.T, f fakeDial, want ...time.Duration) {
	t.Helper()
	if len(f.attempts) != len(want) {
		t.Errorf("attempts at %v, want %v", f.attempts, want)
		return
	}
	for i, at := range f.attempts {
		if at != want[i] {
			t.Errorf("attempt %d began after %v, want %v", i, at, want[i])
		}
	}
}

// The brief retries are for a connection whose Close is about to be called.
func TestRetrierGivesUpOnAConnHeldHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeDial{errs: []error{connectError(syscall.EBUSY)}, held: true}
		if _, err := f.dial(t.Context()); err != f.errs[0] {
			t.Errorf("got %v, want the error of the attempt", err)
		}
		wantAttempts(t, f, 0, firstPause, 3*firstPause, 7*firstPause, 15*firstPause)
	})
}

func TestRetrierReportsAnAdapterThatIsGone(t *testing.T) {
	aborted := connectError(syscall.ECONNABORTED)
	for _, next := range []syscall.Errno{syscall.EHOSTUNREACH, syscall.ENETDOWN} {
		synctest.Test(t, func(t *testing.T) {
			f := fakeDial{errs: []error{aborted, connectError(next)}}
			if _, err := f.dial(t.Context()); err != aborted {
				t.Errorf("got %v after %v, want %v", err, next, aborted)
			}
			wantAttempts(t, f, 0, firstPause)
		})
	}
}

func TestRetrierGivesUpAfterWaitingToPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeDial{errs: []error{connectError(syscall.ECONNRESET)}, lasts: 28 * time.Second}
		if _, err := f.dial(t.Context()); err != f.errs[0] {
			t.Errorf("got %v, want the error of the attempt", err)
		}
		wantAttempts(t, f, 0)
	})
}

func TestConnectErrnoIgnoresErrorsOfControl(t *testing.T) {
	caused := connectError(syscall.EACCES)
	if errno, ok := ConnectErrno(caused); !ok || errno != syscall.EACCES {
		t.Errorf("got %v, %v; want EACCES", errno, ok)
	}
	if _, ok := ConnectErrno(&neterr.ControlError{Err: caused}); ok {
		t.Error("the errno of a Control function counts as the kernel's")
	}
}
