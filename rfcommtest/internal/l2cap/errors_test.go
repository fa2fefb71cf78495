package l2cap

import (
	"errors"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// The errnos are those of bt_to_errno in Linux.
func TestStatusErrorHasTheKernelsErrno(t *testing.T) {
	for _, tt := range []struct {
		want     syscall.Errno
		statuses string
	}{
		{errBadRequest, "\x01"},
		{syscall.ENOTCONN, "\x02"},
		{syscall.EIO, "\x03"},
		{syscall.EHOSTDOWN, "\x04\x3c"},
		{syscall.EACCES, "\x05\x18"},
		{errKeyMissing, "\x06"},
		{syscall.ENOMEM, "\x07"},
		{syscall.ETIMEDOUT, "\x08\x10"},
		{syscall.EMLINK, "\x09\x0a"},
		{syscall.EALREADY, "\x0b"},
		{syscall.EBUSY, "\x0c"},
		{syscall.ECONNREFUSED, "\x0d\x0e\x0f\x1b"},
		{syscall.EOPNOTSUPP, "\x11\x20\x27\x29"},
		{syscall.EINVAL, "\x12"},
		{syscall.ECONNRESET, "\x13\x14\x15"},
		{syscall.ECONNABORTED, "\x16"},
		{syscall.ELOOP, "\x17"},
		{syscall.EPROTONOSUPPORT, "\x1a"},
		{syscall.EPROTO, "\x19\x1e\x23\x24\x25"},
		{syscall.ENOSYS, "\x1f\x22\x2a\x3d\xff"},
	} {
		for _, b := range []byte(tt.statuses) {
			status := hcipacket.Status(b)
			if err := statusError("step", status); !errors.Is(err, tt.want) {
				t.Errorf("%v: %v, want %v", status, err, tt.want)
			}
		}
	}
}
