package rfcomm

import (
	"maps"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestOpErrorNamesTheLikelyCause(t *testing.T) {
	untested := make(neterr.Hints)
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
		{"connect", unix.ENOTCONN, "another program's dial"},
		{"connect", unix.EPROTO, "began to pair at the same moment"},
		{"connect", unix.EPROTO, "do not understand each other"},
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
		{"shutdown", unix.ETIMEDOUT, "did not accept the data"},
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
			hosttest.WantErrno(t, err, tt.errno)
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

// A hint of another system call must not be added, such as that of a device to
// the EACCES of a security module.
func TestOpErrorAddsNothingWithoutAHint(t *testing.T) {
	for _, err := range []error{
		os.NewSyscallError("accept4", unix.EMFILE),
		os.NewSyscallError("bind", unix.EINVAL),
		os.NewSyscallError("socket", unix.EACCES),
	} {
		if got := opError("op", nearAddr, farAddr, err).(*net.OpError).Err; got.Error() != err.Error() {
			t.Errorf("%v became %v", err, got)
		}
	}
}
