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

// withoutBluetooth skips a test where the kernel has Bluetooth for this
// process.
func withoutBluetooth(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.BTPROTO_HCI)
	if err == nil {
		unix.Close(fd)
	}
	if err != unix.EAFNOSUPPORT {
		t.Skipf("this kernel has Bluetooth: a raw HCI socket gives the error %v", err)
	}
}

func TestWithoutBluetoothErrorsSayWhatIsMissing(t *testing.T) {
	withoutBluetooth(t)
	for name, tt := range map[string]struct {
		call func() error
		want net.OpError
	}{
		"dial": {
			func() error { _, err := new(rfcomm.Dialer).DialRFCOMM(t.Context(), headsetAddr); return err },
			net.OpError{Op: "dial", Addr: headsetAddr},
		},
		"dial from an adapter": {
			func() error {
				d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: headset}}
				_, err := d.DialRFCOMM(t.Context(), headsetAddr)
				return err
			},
			net.OpError{Op: "dial", Source: rfcomm.Addr{Device: headset}, Addr: headsetAddr},
		},
		"listen": {
			func() error { _, err := new(rfcomm.ListenConfig).ListenRFCOMM(t.Context(), serverAddr); return err },
			net.OpError{Op: "listen", Addr: serverAddr},
		},
		"listen on any channel": {
			func() error { _, err := rfcomm.Listen(0); return err },
			net.OpError{Op: "listen", Addr: rfcomm.Addr{}},
		},
		"adapters": {
			func() error { _, err := rfcomm.Adapters(); return err },
			net.OpError{Op: "adapters"},
		},
		"adapter by name": {
			func() error { _, err := rfcomm.AdapterByName("hci0"); return err },
			net.OpError{Op: "adapters"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.call()
			got, ok := err.(*net.OpError)
			if !ok {
				t.Fatalf("got the error %v, want a *net.OpError", err)
			}
			tt.want.Net, tt.want.Err = "rfcomm", syscall.EAFNOSUPPORT
			if diff := cmp.Diff(tt.want, *got, cmpopts.EquateErrors()); diff != "" {
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
		})
	}
}

func TestDialRFCOMMFromAnUnknownAdapter(t *testing.T) {
	d := noSocketToDial(t)
	d.LocalAddr = rfcomm.Addr{Device: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x01}}
	_, err := d.DialRFCOMM(t.Context(), headsetAddr)
	if _, ok := err.(*net.OpError); !ok {
		t.Errorf("got the error %v, want a *net.OpError", err)
	}
}

func TestListenRFCOMMOnAnUnknownAdapter(t *testing.T) {
	laddr := rfcomm.Addr{Device: rfcomm.BDAddr{0x02, 0, 0, 0, 0, 0x01}, Channel: 11}
	_, err := noSocketToListen(t).ListenRFCOMM(t.Context(), laddr)
	if _, ok := err.(*net.OpError); !ok {
		t.Errorf("got the error %v, want a *net.OpError", err)
	}
}
