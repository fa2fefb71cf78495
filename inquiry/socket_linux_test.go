package inquiry

import (
	"errors"
	"net"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

func TestFilterMatchesTheKernel(t *testing.T) {
	f := newFilter(eventCodes)
	for name, tt := range map[string]struct{ got, want uintptr }{
		"hci_ufilter":            {unsafe.Sizeof(f), 16},
		"hci_ufilter.type_mask":  {unsafe.Offsetof(f.types), 0},
		"hci_ufilter.event_mask": {unsafe.Offsetof(f.events), 4},
		"hci_ufilter.opcode":     {unsafe.Offsetof(f.opcode), 12},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d, want %d", name, tt.got, tt.want)
		}
	}
	if want := (filter{types: 0x10, events: [2]uint32{0xc086, 0x8004}}); f != want {
		t.Errorf("filter %+v, want %+v", f, want)
	}
}

func TestDevicesWithoutBluetooth(t *testing.T) {
	if fd, err := btsocket.NewSocket(unix.SOCK_RAW, unix.BTPROTO_HCI); err == nil {
		unix.Close(fd)
		t.Skip("this kernel has Bluetooth")
	}
	for _, o := range []Options{{}, {Adapter: adapterAddress}} {
		n := 0
		for _, err := range Devices(t.Context(), &o) {
			n++
			opErr, ok := err.(*net.OpError)
			if !ok || opErr.Op != "inquiry" || opErr.Net != "hci" || !errors.Is(err, unix.EAFNOSUPPORT) || !strings.Contains(err.Error(), "containers") {
				t.Errorf("%#v", err)
			}
			t.Log(err)
		}
		if n != 1 {
			t.Errorf("the loop ran %d times, want once", n)
		}
	}
}
