package neterr

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// testAddr is an address of the network under test.
type testAddr string

func (testAddr) Network() string  { return "l2cap" }
func (a testAddr) String() string { return string(a) }

const (
	near = testAddr("near")
	far  = testAddr("far")
)

// l2cap is the network under test.
var l2cap = Network{Name: "l2cap", Hints: Hints{
	"connect": {syscall.EACCES: "not paired"},
}}

func TestNetworkCheck(t *testing.T) {
	if err := l2cap.Check("l2cap"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"tcp", "L2CAP", ""} {
		if err := l2cap.Check(name); err != net.UnknownNetworkError(name) {
			t.Errorf("%q: got the error %v, want unknown network", name, err)
		}
	}
}

func TestOpErrorHasTheFormOfPackageNet(t *testing.T) {
	err := l2cap.OpError("dial", near, far, os.NewSyscallError("connect", syscall.EACCES))
	if want := "dial l2cap near->far: connect: " + syscall.EACCES.Error() + " (not paired)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	opErr, ok := err.(*net.OpError)
	if !ok || opErr.Op != "dial" || opErr.Net != "l2cap" || opErr.Source != near || opErr.Addr != far {
		t.Errorf("got %#v", err)
	}
}

func TestOpErrorNamesTheSystemCall(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EACCES, syscall.EPIPE} { // with and without a hint
		err := l2cap.OpError("dial", near, far, os.NewSyscallError("connect", errno))
		if cause := err.(*net.OpError).Err.(*os.SyscallError); cause.Syscall != "connect" {
			t.Errorf("the system call became %q", cause.Syscall)
		}
	}
}

func TestOpErrorLeavesOtherErrors(t *testing.T) {
	for _, err := range []error{
		net.ErrClosed,
		os.ErrDeadlineExceeded,
		&os.SyscallError{Syscall: "connect", Err: errors.New("no errno")},
		syscall.EBUSY, // not an *os.SyscallError, so not from the socket
	} {
		if got := l2cap.OpError("op", near, far, err).(*net.OpError).Err; got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestOpErrorAddsNothingWithoutAHint(t *testing.T) {
	for _, err := range []error{
		os.NewSyscallError("connect", syscall.EPIPE),
		os.NewSyscallError("socket", syscall.EACCES),
	} {
		for _, network := range []Network{l2cap, {Name: "l2cap"}} {
			if got := network.OpError("op", near, far, err).(*net.OpError).Err; got.Error() != err.Error() {
				t.Errorf("%v became %v", err, got)
			}
		}
	}
}

func TestOpErrorLeavesErrorsOfControl(t *testing.T) {
	caused := os.NewSyscallError("connect", syscall.EACCES)
	err := l2cap.OpError("dial", near, far, &ControlError{caused})
	if got := err.(*net.OpError).Err; got != caused {
		t.Errorf("got %v, want the error of the Control function itself", got)
	}
}

func TestOpErrorExplainsUnsupported(t *testing.T) {
	err := l2cap.OpError("dial", near, far, errors.ErrUnsupported)
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "L2CAP sockets need Linux") {
		t.Errorf("got the error %v", err)
	}
	if got := l2cap.OpError("dial", near, far, syscall.EBUSY).(*net.OpError).Err; got != syscall.EBUSY {
		t.Errorf("another error became %v", got)
	}
}

func TestWithHintKeepsItsHint(t *testing.T) {
	err := l2cap.OpError("dial", near, far, WithHint("connect", syscall.EACCES, "the key is gone"))
	if want := "connect: " + syscall.EACCES.Error() + " (the key is gone)"; err.(*net.OpError).Err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestContextReportsADeadlineAsTimeout(t *testing.T) {
	for name, err := range map[string]error{
		"bare":         Context(context.DeadlineExceeded),
		"in a dial":    l2cap.OpError("dial", nil, far, Context(context.DeadlineExceeded)),
		"with a cause": Context(errors.Join(errors.New("because"), context.DeadlineExceeded)),
		"with a hint":  TimeoutWithHint("still pairing"),
	} {
		t.Run(name, func(t *testing.T) {
			hosttest.WantTimeoutTemporary(t, err, true, true)
			hosttest.WantMatches(t, err,
				[]error{os.ErrDeadlineExceeded, context.DeadlineExceeded},
				[]error{context.Canceled, net.ErrClosed, syscall.ETIMEDOUT})
			if !strings.Contains(err.Error(), "i/o timeout") {
				t.Errorf("the message is %q", err)
			}
		})
	}
}

func TestContextLeavesOtherErrors(t *testing.T) {
	for _, want := range []error{nil, context.Canceled, syscall.EBUSY} {
		if got := Context(want); got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
}

func TestTimeoutWithHintNamesTheHint(t *testing.T) {
	if got, want := TimeoutWithHint("still pairing").Error(), "i/o timeout (still pairing)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInterruptedMatchesBothReasons(t *testing.T) {
	busy := os.NewSyscallError("connect", syscall.EBUSY)
	for name, tt := range map[string]struct {
		ended   error
		timeout bool
		targets []error
		others  []error
	}{
		"by its deadline": {
			ended: Context(context.DeadlineExceeded), timeout: true,
			targets: []error{syscall.EBUSY, os.ErrDeadlineExceeded, context.DeadlineExceeded},
			others:  []error{context.Canceled, syscall.ECONNRESET},
		},
		"by its caller": {
			ended:   Context(context.Canceled),
			targets: []error{syscall.EBUSY, context.Canceled},
			others:  []error{os.ErrDeadlineExceeded, context.DeadlineExceeded, syscall.ECONNRESET},
		},
	} {
		t.Run(name, func(t *testing.T) {
			interrupted := &Interrupted{Last: l2cap.explain(busy), Ended: tt.ended}
			for _, err := range []error{interrupted, l2cap.OpError("dial", nil, far, interrupted)} {
				hosttest.WantTimeoutTemporary(t, err, tt.timeout, tt.timeout)
				hosttest.WantMatches(t, err, tt.targets, tt.others)
				for _, part := range []string{tt.ended.Error(), syscall.EBUSY.Error()} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the message %q lacks %q", err, part)
					}
				}
				var syscallErr *os.SyscallError
				if !errors.As(err, &syscallErr) || syscallErr.Syscall != "connect" {
					t.Errorf("%v does not name its system call", err)
				}
			}
		})
	}
}

func TestInterruptedGetsTheHintOfItsLast(t *testing.T) {
	interrupted := &Interrupted{Last: os.NewSyscallError("connect", syscall.EACCES), Ended: ErrTimeout}
	err := l2cap.OpError("dial", nil, far, interrupted)
	if !strings.Contains(err.Error(), "not paired") {
		t.Errorf("%v lacks the hint", err)
	}
	hosttest.WantMatches(t, err, []error{syscall.EACCES, os.ErrDeadlineExceeded}, nil)
}
