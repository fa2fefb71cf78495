package rfcomm

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// timeoutTemporary is what package net and net/http ask errors for, by type
// assertion and not by errors.As.
type timeoutTemporary interface {
	Timeout() bool
	Temporary() bool
}

// wantTimeoutTemporary checks both answers of err, which must give them itself.
func wantTimeoutTemporary(t *testing.T, err error, timeout, temporary bool) {
	t.Helper()
	e, ok := err.(timeoutTemporary)
	if !ok {
		t.Fatalf("%T has no Timeout and Temporary", err)
	}
	if got := e.Timeout(); got != timeout {
		t.Errorf("%T: Timeout of %v is %v", err, err, got)
	}
	if got := e.Temporary(); got != temporary {
		t.Errorf("%T: Temporary of %v is %v", err, err, got)
	}
}

// wantMatches checks that err matches every target, and none of the others.
func wantMatches(t *testing.T, err error, targets, others []error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("%v does not match %v", err, target)
		}
	}
	for _, other := range others {
		if errors.Is(err, other) {
			t.Errorf("%v matches %v", err, other)
		}
	}
}

func TestPassedDeadlineIsATimeout(t *testing.T) {
	for name, err := range map[string]error{
		"bare":         contextError(context.DeadlineExceeded),
		"in a dial":    opError("dial", nil, Addr{Channel: 11}, contextError(context.DeadlineExceeded)),
		"with a cause": contextError(errors.Join(errors.New("because"), context.DeadlineExceeded)),
	} {
		t.Run(name, func(t *testing.T) {
			wantTimeoutTemporary(t, err, true, true)
			wantMatches(t, err,
				[]error{os.ErrDeadlineExceeded, context.DeadlineExceeded},
				[]error{context.Canceled, net.ErrClosed, syscall.ETIMEDOUT})
			if !strings.Contains(err.Error(), "i/o timeout") {
				t.Errorf("the message is %q", err)
			}
		})
	}
}

func TestCancelledContextStaysWhatItIs(t *testing.T) {
	for _, want := range []error{nil, context.Canceled, syscall.EBUSY} {
		if got := contextError(want); got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
}

func TestDialThatIsCutShortMatchesBothReasons(t *testing.T) {
	busy := os.NewSyscallError("connect", syscall.EBUSY)
	for name, tt := range map[string]struct {
		ended   error
		timeout bool
		targets []error
		others  []error
	}{
		"by its deadline": {
			ended: contextError(context.DeadlineExceeded), timeout: true,
			targets: []error{syscall.EBUSY, os.ErrDeadlineExceeded, context.DeadlineExceeded},
			others:  []error{context.Canceled, syscall.ECONNRESET},
		},
		"by its caller": {
			ended:   contextError(context.Canceled),
			targets: []error{syscall.EBUSY, context.Canceled},
			others:  []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, syscall.ECONNRESET},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cut := &cutShort{last: explain(busy), ended: tt.ended}
			for _, err := range []error{cut, opError("dial", nil, Addr{Channel: 11}, cut)} {
				wantTimeoutTemporary(t, err, tt.timeout, tt.timeout)
				wantMatches(t, err, tt.targets, tt.others)
				for _, part := range []string{tt.ended.Error(), syscall.EBUSY.Error()} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the message %q lacks %q", err, part)
					}
				}
				var syscallErr *os.SyscallError
				if !errors.As(err, &syscallErr) || syscallErr.Syscall != "connect" {
					t.Errorf("%v does not tell its system call", err)
				}
			}
		})
	}
}

func TestUnsupportedIsExplained(t *testing.T) {
	err := supported(errors.ErrUnsupported)
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "Linux") {
		t.Errorf("got the error %v", err)
	}
	if got := supported(syscall.EBUSY); got != syscall.EBUSY {
		t.Errorf("another error became %v", got)
	}
}
