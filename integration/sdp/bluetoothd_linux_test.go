package sdp_test

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
)

func TestSearchBluetoothd(t *testing.T) {
	a := inLab(t)
	daemons.Bluetoothd(t, daemons.Options{Args: []string{"--compat"}})
	t.Logf("%s", sdptool(t, a.near, "browse", a.far.Addr().String()))
	t.Logf("%s", sdptool(t, a.near, "browse", "--xml", a.far.Addr().String()))
	if got := findService(t, a.far.Addr(), "1200"); !strings.Contains(got, "1200") {
		t.Errorf("PyBluez finds %q", got)
	}
}
