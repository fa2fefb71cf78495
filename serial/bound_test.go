package serial

import (
	"net"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

func TestBindChecksArguments(t *testing.T) {
	device := rfcomm.BDAddr{1, 2, 3, 4, 5, 6}
	for name, tt := range map[string]struct {
		id     int
		remote rfcomm.Addr
		says   string
	}{
		"low id":       {-2, rfcomm.Addr{Device: device, Channel: 1}, "invalid id -2 of a tty: want 0 to 255, or -1"},
		"high id":      {256, rfcomm.Addr{Device: device, Channel: 1}, "invalid id 256"},
		"no device":    {0, rfcomm.Addr{Channel: 1}, "missing device address"},
		"no channel":   {0, rfcomm.Addr{Device: device}, "invalid channel: want 1 to 30"},
		"high channel": {0, rfcomm.Addr{Device: device, Channel: 31}, "invalid channel: want 1 to 30"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Bind(tt.id, rfcomm.Addr{}, tt.remote)
			wantBoundError(t, err, tt.says)
		})
	}
}

func TestReleaseChecksID(t *testing.T) {
	for _, id := range []int{-1, 256} {
		wantBoundError(t, Release(id), "want 0 to 255")
	}
}

func wantBoundError(t *testing.T, err error, says string) {
	t.Helper()
	if _, ok := err.(*net.OpError); !ok || !strings.Contains(err.Error(), says) {
		t.Errorf("got the error %v, want a *net.OpError that says %q", err, says)
	}
}

func TestDeviceStateString(t *testing.T) {
	for state, want := range map[DeviceState]string{
		DeviceClean: "clean", DeviceConnecting: "connecting", DeviceClosed: "closed", 0: "state 0", 10: "state 10",
	} {
		if got := state.String(); got != want {
			t.Errorf("%d is %q, want %q", int(state), got, want)
		}
	}
}
