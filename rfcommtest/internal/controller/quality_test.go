package controller_test

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/hcipacket"
)

// The RSSI of a connection is relative to the golden range, here of -60 to -40
// dBm.
func TestReadRSSIIsRelative(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, _ *host) {
		ofA, ofB := connect(a, b)
		read := func(h *host, handle hcipacket.Handle) int8 {
			t.Helper()
			f := h.do(controller.ReadRSSI, hcipacket.Parameters{}.Handle(handle))
			if got := f.Handle(); got != handle {
				t.Errorf("%s: connection %d, want %d", h.name, got, handle)
			}
			return int8(f.Uint8())
		}
		if got := read(a, ofA); got != 0 {
			t.Errorf("default RSSI %d", got)
		}
		for dBm, want := range map[int8]int8{-127: -67, -61: -1, -60: 0, -50: 0, -40: 0, -39: 1, 20: 60} {
			a.conditions(b).RSSI = dBm
			if ofA, ofB := read(a, ofA), read(b, ofB); ofA != want || ofB != want {
				t.Errorf("%d dBm: RSSI %d and %d, want %d", dBm, ofA, ofB, want)
			}
		}
	})
}

func TestReadLinkQuality(t *testing.T) {
	withHosts(t, func(t *testing.T, a, b, c *host) {
		ofA, _ := connect(a, b)
		ofC, _ := connect(c, a)
		read := func(h *host, handle hcipacket.Handle) uint8 {
			f := h.do(controller.ReadLinkQuality, hcipacket.Parameters{}.Handle(handle))
			f.Handle()
			return f.Uint8()
		}
		a.conditions(b).LinkQuality = 17
		if toB, toA := read(a, ofA), read(c, ofC); toB != 17 || toA != 255 {
			t.Errorf("link quality %d and %d, want 17 and 255", toB, toA)
		}
	})
}
