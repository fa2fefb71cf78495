package rfcomm

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestErrorsOfTheKernelTellTheirLikelyCause(t *testing.T) {
	for _, tt := range []struct {
		syscall string
		errno   syscall.Errno
		cause   string
	}{
		{"socket", unix.EAFNOSUPPORT, "no Bluetooth in this kernel"},
		{"socket", unix.EAFNOSUPPORT, "network namespace"},
		{"socket", unix.EPROTONOSUPPORT, "modprobe rfcomm"},
		{"connect", unix.ECONNREFUSED, "nothing listens on this channel"},
		{"connect", unix.EHOSTDOWN, "off, out of range or not connectable"},
		{"connect", unix.EHOSTUNREACH, "no Bluetooth adapter is up"},
		{"connect", unix.EBUSY, "still open or closing"},
		{"connect", unix.EACCES, "not paired"},
		{"connect", unix.EBADE, "the key"},
		{"connect", unix.ETIMEDOUT, "nobody confirmed the pairing"},
		{"connect", unix.ECONNRESET, "was closing"},
		{"bind", unix.EADDRINUSE, "another listener"},
		{"listen", unix.EADDRINUSE, "another listener"},
		{"listen", unix.EINVAL, "no channel is free"},
		{"read", unix.ETIMEDOUT, "out of range"},
		{"read", unix.ECONNABORTED, "the link was lost"},
		{"read", unix.EACCES, "the key"},
		{"read", unix.ENOSYS, "no errno"},
		{"write", unix.ECONNRESET, "the peer has closed"},
		{"write", unix.ETIMEDOUT, "out of range"},
		{"write", unix.ENOTCONN, "has ended"},
		{"shutdown", unix.ECONNRESET, "the peer closed first"},
		{"shutdown", unix.ETIMEDOUT, "did not take"},
		{"shutdown", unix.ECONNABORTED, "before the peer acknowledged"},
	} {
		t.Run(tt.syscall+"/"+unix.ErrnoName(tt.errno), func(t *testing.T) {
			bare := os.NewSyscallError(tt.syscall, tt.errno)
			err := opError("op", nearAddr, farAddr, bare)
			for _, part := range []string{"op rfcomm", nearAddr.String(), farAddr.String(), tt.syscall, tt.errno.Error(), tt.cause} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q lacks %q", err, part)
				}
			}
			wantMatches(t, err, []error{tt.errno}, []error{unix.EMFILE, net.ErrClosed, os.ErrDeadlineExceeded})

			cause := err.(*net.OpError).Err.(*os.SyscallError)
			if cause.Syscall != tt.syscall {
				t.Errorf("the system call became %q", cause.Syscall)
			}
			if _, ok := cause.Err.(*hint); !ok {
				t.Errorf("the cause is a %T, want a *hint", cause.Err)
			}
			wantTimeoutTemporary(t, cause.Err, tt.errno.Timeout(), tt.errno.Temporary())
			// As package net itself answers for the bare errno.
			plain := &net.OpError{Op: "op", Net: network, Source: nearAddr, Addr: farAddr, Err: bare}
			wantTimeoutTemporary(t, err, plain.Timeout(), plain.Temporary())
		})
	}
}

func TestErrorsWithoutAHintStayAsTheyAre(t *testing.T) {
	for _, err := range []error{
		net.ErrClosed,
		os.ErrDeadlineExceeded,
		os.NewSyscallError("accept4", unix.EMFILE),
		os.NewSyscallError("bind", unix.EINVAL),
		os.NewSyscallError("socket", unix.EACCES), // a security module's, not the device's
		&os.SyscallError{Syscall: "connect", Err: errors.New("no errno")},
		unix.EBUSY, // no *os.SyscallError, so not from the socket
	} {
		if got := explain(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestAcceptErrorsThatPassKeepServersRunning(t *testing.T) {
	for name, cause := range map[string]error{
		"too many open files": unix.EMFILE,
		"unprotected link":    &hint{errno: unix.EACCES, text: "the link is not encrypted", temporary: true},
	} {
		t.Run(name, func(t *testing.T) {
			err := opError("accept", nil, nearAddr, &os.SyscallError{Syscall: "accept4", Err: cause})
			wantTimeoutTemporary(t, err, false, true)
		})
	}
}

func TestAHintOfItsOwnIsNotReplaced(t *testing.T) {
	err := explain(refusal("getsockopt", unix.EPROTOTYPE, "the descriptor is no RFCOMM socket"))
	if want := "getsockopt: protocol wrong type for socket (the descriptor is no RFCOMM socket)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
