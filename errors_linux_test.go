package rfcomm

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpErrorNamesTheLikelyCause(t *testing.T) {
	untested := make(map[string]map[syscall.Errno]string)
	for name, texts := range hints {
		untested[name] = maps.Clone(texts)
	}
	for _, tt := range []struct {
		syscall string
		errno   syscall.Errno
		cause   string
	}{
		{"socket", unix.EAFNOSUPPORT, "no Bluetooth in this kernel"},
		{"socket", unix.EAFNOSUPPORT, "network namespace"},
		{"socket", unix.EPROTONOSUPPORT, "modprobe rfcomm"},
		{"connect", unix.EACCES, "not paired"},
		{"connect", unix.EACCES, "was declined"},
		{"connect", unix.EBADE, "the key"},
		{"connect", unix.ETIMEDOUT, "nobody confirmed the pairing"},
		{"connect", unix.ENOMEM, "is being taken down"},
		{"connect", unix.EALREADY, "two programs dialed the device at once"},
		{"connect", unix.EALREADY, "switch the adapter off and on"},
		{"connect", unix.ENOSYS, "no errno"},
		{"bind", unix.EADDRINUSE, "another listener"},
		{"read", unix.ETIMEDOUT, "out of range"},
		{"read", unix.ECONNABORTED, "the link was lost"},
		{"read", unix.EACCES, "the key"},
		{"read", unix.EBADE, "the key"},
		{"read", unix.ECONNREFUSED, "encryption was switched off"},
		{"read", unix.ENOSYS, "no errno"},
		{"write", unix.ECONNRESET, "the peer has closed"},
		{"write", unix.ETIMEDOUT, "out of range"},
		{"write", unix.ENOTCONN, "has ended"},
		{"write", unix.ECONNABORTED, "the link was lost"},
		{"write", unix.ECONNREFUSED, "encryption was switched off"},
		{"write", unix.EACCES, "not paired"},
		{"write", unix.EBADE, "the key"},
		{"write", unix.ENOSYS, "no errno"},
		{"shutdown", unix.ECONNRESET, "the peer closed first"},
		{"shutdown", unix.ETIMEDOUT, "did not take"},
		{"shutdown", unix.ECONNABORTED, "before the peer acknowledged"},
		{"shutdown", unix.ENOSYS, "no errno"},
		{"ioctl", unix.ENOTCONN, "the link has ended"},
	} {
		delete(untested[tt.syscall], tt.errno)
		t.Run(tt.syscall+"/"+unix.ErrnoName(tt.errno), func(t *testing.T) {
			bare := os.NewSyscallError(tt.syscall, tt.errno)
			err := opError("op", nearAddr, farAddr, bare)
			for _, part := range []string{"op rfcomm", nearAddr.String(), farAddr.String(), tt.syscall, tt.errno.Error(), tt.cause} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the message %q lacks %q", err, part)
				}
			}
			wantErrno(t, err, tt.errno)
			if cause := err.(*net.OpError).Err.(*os.SyscallError); cause.Syscall != tt.syscall {
				t.Errorf("the system call became %q", cause.Syscall)
			}
		})
	}
	for name, texts := range untested {
		for errno, text := range texts {
			t.Errorf("no test of the cause of %s/%s: %q", name, unix.ErrnoName(errno), text)
		}
	}
}

// wantErrno checks that err matches an errno, in each way that the
// documentation names, and nothing else.
func wantErrno(t *testing.T, err error, errno syscall.Errno) {
	t.Helper()
	wantMatches(t, err, []error{errno}, []error{
		unix.EMFILE, net.ErrClosed, errors.ErrUnsupported, os.ErrDeadlineExceeded, context.DeadlineExceeded,
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

// Of all errnos that the kernel gives for a link that is lost, and others: a
// loop that continues on timeouts must end, and nothing else may match.
func TestOpErrorMatchesItsErrnoOnly(t *testing.T) {
	for _, errno := range []syscall.Errno{
		unix.ETIMEDOUT, unix.ENOSYS, unix.EACCES, unix.EBADE, unix.ECONNABORTED, unix.ECONNRESET, unix.ECONNREFUSED,
		unix.EAGAIN, unix.EOPNOTSUPP, unix.EPERM, unix.EEXIST, unix.ENOENT, unix.ENOTEMPTY, unix.EINVAL,
	} {
		for _, name := range []string{"read", "write", "connect", "listen", "ioctl"} {
			err := opError("op", nearAddr, farAddr, os.NewSyscallError(name, errno))
			wantErrno(t, err, errno)
			wantTimeoutTemporary(t, err, false, false)
		}
	}
}

func TestOpErrorIsTemporaryWithoutFiles(t *testing.T) {
	err := opError("accept", nil, nearAddr, os.NewSyscallError("accept4", unix.EMFILE))
	wantTimeoutTemporary(t, err, false, true)
}

func TestExplainLeavesOtherErrors(t *testing.T) {
	for _, err := range []error{
		net.ErrClosed,
		os.ErrDeadlineExceeded,
		&os.SyscallError{Syscall: "connect", Err: errors.New("no errno")},
		unix.EBUSY, // no *os.SyscallError, so not from the socket
	} {
		if got := explain(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestExplainAddsNothingWithoutAHint(t *testing.T) {
	for _, err := range []error{
		os.NewSyscallError("accept4", unix.EMFILE),
		os.NewSyscallError("bind", unix.EINVAL),
		os.NewSyscallError("socket", unix.EACCES), // a security module's, not the device's
	} {
		if got := explain(err); got.Error() != err.Error() {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestExplainKeepsAHint(t *testing.T) {
	err := explain(withHint("getsockopt", unix.EPROTOTYPE, "the descriptor is not an RFCOMM socket"))
	if want := "getsockopt: protocol wrong type for socket (the descriptor is not an RFCOMM socket)"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestExplainLeavesErrorsOfControl(t *testing.T) {
	caused := os.NewSyscallError("connect", unix.EACCES)
	if got := explain(&controlError{caused}); got != caused {
		t.Errorf("got %v, want the error of the Control function itself", got)
	}
	if _, ok := connectErrno(&controlError{caused}); ok {
		t.Error("the errno of a Control function counts as the kernel's")
	}
}
