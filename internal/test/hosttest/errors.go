package hosttest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
)

// WantMatches checks that err matches every one of targets and none of others.
func WantMatches(t testing.TB, err error, targets, others []error) {
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

// WantErrno checks that err matches errno, by errors.Is, errors.As and
// errors.AsType, and nothing else.
func WantErrno(t testing.TB, err error, errno syscall.Errno) {
	t.Helper()
	WantMatches(t, err, []error{errno}, []error{
		syscall.EMFILE, net.ErrClosed, errors.ErrUnsupported, os.ErrDeadlineExceeded, context.DeadlineExceeded,
		fs.ErrPermission, fs.ErrExist, fs.ErrNotExist, fs.ErrInvalid, fs.ErrClosed,
	})
	var got syscall.Errno
	if !errors.As(err, &got) || got != errno {
		t.Errorf("%v: errors.As gives the errno %v, want %v", err, got, errno)
	}
	if got, ok := errors.AsType[syscall.Errno](err); !ok || got != errno {
		t.Errorf("%v: errors.AsType gives the errno %v, want %v", err, got, errno)
	}
}

// WantTimeoutTemporary checks the results of err's methods Timeout and
// Temporary. Like package net and net/http, it looks for the methods by type
// assertion, not by errors.As.
func WantTimeoutTemporary(t testing.TB, err error, timeout, temporary bool) {
	t.Helper()
	e, ok := err.(interface {
		Timeout() bool
		Temporary() bool
	})
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
