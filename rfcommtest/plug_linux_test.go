package rfcommtest

import (
	"errors"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// The controller does not answer while the kernel sets up the adapter, as on a busy
// machine, so that the set-up fails. The management interface would never list the
// adapter.
func TestUpRepeatsFailedSetUp(t *testing.T) {
	labtest.Require(t)
	labtest.RequireRoot(t)
	if testing.Short() {
		return // it waits for the kernel's timeouts, which are the same on all kernels
	}
	r := Require(t, Config{Controllers: 1})
	c := r.Controllers()[0]
	if err := errors.Join(c.Unplug(), c.plugIn()); err != nil {
		t.Fatal(err)
	}
	r.radio.Lock() // stops the controller
	flags := awaitSetUpEnd(c.device.Index())
	r.radio.Unlock()
	t.Logf("after the set-up, the adapter has the flags %#x", flags)
	if err := errors.Join(c.Up(), c.SetSimplePairing(true)); err != nil {
		t.Error(err)
	}
}

// awaitSetUpEnd waits until the kernel has set up an adapter or has given up, at most
// 15 s, and returns the flags of the adapter.
func awaitSetUpEnd(index int) (flags hci.Flags) {
	begun := false
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		known, err := hci.AdapterByIndex(index)
		if flags = known.Flags; err != nil {
			continue
		}
		setting := flags&hci.Init != 0
		if flags&hci.Up != 0 || begun && !setting {
			break
		}
		begun = begun || setting
	}
	return flags
}
