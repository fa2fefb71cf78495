package rfcomm

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestConnRegistryRecentlyClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r connRegistry
		device, other := BDAddr{0x02, 0, 0, 0, 0, 1}, BDAddr{0x02, 0, 0, 0, 0, 2}
		want := func(when string, device BDAddr, want bool) {
			t.Helper()
			if got := r.recentlyClosed(device); got != want {
				t.Errorf("%s: %v", when, got)
			}
		}
		want("before", device, false)
		r.justClosed(device)
		want("at once", device, true)
		want("another device", other, false)
		time.Sleep(3 * time.Second)
		want("after three seconds", device, true)
		time.Sleep(time.Nanosecond)
		want("later", device, false)

		r.justClosed(other) // forgets the expired one
		if _, kept := r.closed[device]; kept {
			t.Error("an expired close is kept")
		}
	})
}
