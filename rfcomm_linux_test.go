package rfcomm_test

import (
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

// requireNoBluetooth skips a test if the kernel has Bluetooth for this process.
func requireNoBluetooth(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.BTPROTO_HCI)
	if err == nil {
		unix.Close(fd)
	}
	if err != unix.EAFNOSUPPORT {
		t.Skipf("this kernel has Bluetooth: a raw HCI socket gives the error %v", err)
	}
}

// wantNoBluetooth checks that err is a *net.OpError like want, that it matches
// EAFNOSUPPORT, and that its message names the cause and a remedy.
func wantNoBluetooth(t *testing.T, err error, want net.OpError) {
	t.Helper()
	got, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("got the error %v, want a *net.OpError", err)
	}
	want.Net, want.Err = "rfcomm", syscall.EAFNOSUPPORT
	if diff := cmp.Diff(want, *got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("the error (-want +got):\n%s", diff)
	}
	if _, ok := got.Err.(*os.SyscallError); !ok {
		t.Errorf("the cause is a %T, want an *os.SyscallError", got.Err)
	}
	for _, part := range []string{syscall.EAFNOSUPPORT.Error(), "no Bluetooth in this kernel", "container"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the message %q lacks %q", err, part)
		}
	}
}

func TestDialWithoutBluetooth(t *testing.T) {
	requireNoBluetooth(t)
	for name, local := range map[string]rfcomm.Addr{"from any adapter": {}, "from an adapter": {Device: headset}} {
		t.Run(name, func(t *testing.T) {
			want := net.OpError{Op: "dial", Addr: headsetAddr}
			if local != fromAnyAdapter {
				want.Source = local
			}
			d := rfcomm.Dialer{LocalAddr: local}
			_, err := d.DialRFCOMM(t.Context(), headsetAddr)
			wantNoBluetooth(t, err, want)
		})
	}
}

func TestListenWithoutBluetooth(t *testing.T) {
	requireNoBluetooth(t)
	t.Run("ListenRFCOMM", func(t *testing.T) {
		_, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), serverAddr)
		wantNoBluetooth(t, err, net.OpError{Op: "listen", Addr: serverAddr})
	})
	t.Run("any channel", func(t *testing.T) {
		_, err := rfcomm.Listen(0)
		wantNoBluetooth(t, err, net.OpError{Op: "listen", Addr: rfcomm.Addr{}})
	})
}

func TestAdaptersWithoutBluetooth(t *testing.T) {
	requireNoBluetooth(t)
	t.Run("Adapters", func(t *testing.T) {
		_, err := rfcomm.Adapters()
		wantNoBluetooth(t, err, net.OpError{Op: "adapters"})
	})
	t.Run("AdapterByName", func(t *testing.T) {
		_, err := rfcomm.AdapterByName("hci0")
		wantNoBluetooth(t, err, net.OpError{Op: "adapters"})
	})
	t.Run("AdapterByAddr", func(t *testing.T) {
		_, err := rfcomm.AdapterByAddr(headsetAddr.Device)
		wantNoBluetooth(t, err, net.OpError{Op: "adapters"})
	})
}
