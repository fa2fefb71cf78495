package rfcomm_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/go-rfcomm/rfcomm"
)

var (
	// headsetAddr is a valid address to dial, and serverAddr one to listen on.
	headsetAddr = rfcomm.Addr{Device: headset, Channel: 11}
	serverAddr  = rfcomm.Addr{Channel: 11}
	// fromAnyAdapter is a LocalAddr with which the kernel picks an adapter.
	fromAnyAdapter = rfcomm.Addr{}
)

// noSocketToDial returns a Dialer that fails the test if it creates a socket.
func noSocketToDial(t *testing.T) *rfcomm.Dialer {
	return &rfcomm.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error {
		t.Error("a socket was made")
		return errors.New("a socket was made")
	}}
}

// noSocketToListen returns a ListenConfig that fails the test if it creates a
// socket.
func noSocketToListen(t *testing.T) *rfcomm.ListenConfig {
	return &rfcomm.ListenConfig{Control: func(string, string, syscall.RawConn) error {
		t.Error("a socket was made")
		return errors.New("a socket was made")
	}}
}

// wantRefusal checks that err is a *net.OpError like want, that its message has
// all parts, and that no system call caused it. If want.Err is not nil, err
// must match it.
func wantRefusal(t *testing.T, err error, want net.OpError, parts ...string) {
	t.Helper()
	got, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("got the error %v, want a *net.OpError", err)
	}
	want.Net = "rfcomm"
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(net.OpError{}, "Err")); diff != "" {
		t.Errorf("the error (-want +got):\n%s", diff)
	}
	if want.Err != nil && !errors.Is(err, want.Err) {
		t.Errorf("%v does not match %v", err, want.Err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message %q lacks %q", err, part)
		}
	}
	var fromKernel *os.SyscallError
	if errors.As(err, &fromKernel) {
		t.Errorf("%v comes from a system call", err)
	}
}

// wantTimeout checks whether err is a timeout, both by its method Timeout and
// by errors.Is.
func wantTimeout(t *testing.T, err error, want bool) {
	t.Helper()
	if got := err.(net.Error).Timeout(); got != want {
		t.Errorf("%v: Timeout is %v", err, got)
	}
	if got := errors.Is(err, context.DeadlineExceeded); got != want {
		t.Errorf("%v: matching context.DeadlineExceeded is %v", err, got)
	}
}
