package rfcomm

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRefusalIsBlamedOnACloseForThreeSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recent.closed = nil
		defer func() { recent.closed = nil }()
		device, other := BDAddr{0x02, 0, 0, 0, 0, 1}, BDAddr{0x02, 0, 0, 0, 0, 2}
		want := func(when string, device BDAddr, want bool) {
			t.Helper()
			if got := recentlyClosed(device); got != want {
				t.Errorf("%s: %v", when, got)
			}
		}
		want("before", device, false)
		justClosed(device)
		want("at once", device, true)
		want("another device", other, false)
		time.Sleep(3 * time.Second)
		want("after three seconds", device, true)
		time.Sleep(time.Nanosecond)
		want("later", device, false)

		justClosed(other) // forgets what is past
		if _, kept := recent.closed[device]; kept {
			t.Error("what is past is kept")
		}
	})
}
