package neterr

import (
	"os"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// The list has every errno that the kernel reports for a lost link, and others:
// a loop that continues on timeouts must end, and no other error may match.
func TestOpErrorMatchesItsErrnoOnly(t *testing.T) {
	for _, errno := range []syscall.Errno{
		syscall.ETIMEDOUT, syscall.ENOSYS, syscall.EACCES, syscall.EBADE, syscall.ECONNABORTED,
		syscall.ECONNRESET, syscall.ECONNREFUSED, syscall.EAGAIN, syscall.EOPNOTSUPP, syscall.EPERM,
		syscall.EEXIST, syscall.ENOENT, syscall.ENOTEMPTY, syscall.EINVAL,
	} {
		for _, name := range []string{"read", "write", "connect", "listen", "ioctl"} {
			err := l2cap.OpError("op", near, far, os.NewSyscallError(name, errno))
			hosttest.WantErrno(t, err, errno)
			hosttest.WantTimeoutTemporary(t, err, false, false)
		}
	}
}

func TestOpErrorTemporaryWithoutDescriptors(t *testing.T) {
	err := l2cap.OpError("accept", nil, near, os.NewSyscallError("accept4", syscall.EMFILE))
	hosttest.WantTimeoutTemporary(t, err, false, true)
}
