package rfcommtest

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

// The tests fail one requirement after the other. The order is that of
// requirements.
func TestMissingNamesRemedy(t *testing.T) {
	for _, tt := range []struct {
		requirement int
		errno       syscall.Errno
		remedy      string // empty if the error must not skip a test
	}{
		{0, syscall.EAFNOSUPPORT, "lab/run"},
		{0, syscall.EPROTONOSUPPORT, "lab/run"},
		{0, syscall.EMFILE, ""},
		{1, syscall.EPROTONOSUPPORT, "modprobe rfcomm"},
		{1, syscall.ENOMEM, ""},
		{2, syscall.ENOENT, "modprobe hci_vhci"},
		{2, syscall.ENODEV, "modprobe hci_vhci"},
		{2, syscall.ENXIO, "modprobe hci_vhci"},
		{2, syscall.EACCES, "access to the device"},
		{2, syscall.EPERM, "access to the device"},
		{2, syscall.EBUSY, ""},
		{2, syscall.EIO, ""},
		{3, syscall.EPERM, "CAP_NET_ADMIN"},
		{3, syscall.ERFKILL, "rfkill unblock bluetooth"},
		{3, syscall.ENFILE, ""},
	} {
		for _, cause := range []error{
			os.NewSyscallError("socket", tt.errno),
			&fs.PathError{Op: "open", Path: "/dev/vhci", Err: tt.errno},
		} {
			some := append([]requirement(nil), requirements...)
			for i := range some {
				some[i].check = func() error { return nil }
			}
			if err := missing(some); err != nil {
				t.Fatalf("nothing is missing, but: %v", err)
			}
			some[tt.requirement].check = func() error { return cause }
			err := missing(some)
			if errors.Is(err, errors.ErrUnsupported) != (tt.remedy != "") || !errors.Is(err, tt.errno) || !strings.Contains(err.Error(), tt.remedy) {
				t.Errorf("requirement %d, %v: got %v, want the remedy %q", tt.requirement, cause, err, tt.remedy)
			}
		}
	}
}
