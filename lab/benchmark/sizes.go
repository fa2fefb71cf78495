//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// curveSizes are write sizes close enough to draw a curve through their rates.
// A rate drops where a frame no longer fits a packet of 1, 3 or 5 slots, with
// its header of 8 bytes, or 9 above 127 bytes: at 75 | 76 and 543 | 544 of the
// 3-DH packets, and at 1012 | 1016, which is also the largest frame.
var curveSizes = []int{
	32, 48, 64, 75, 76, 96, 128, 192, 256, 384, 543, 544, 640, 768, 896, 1012, 1016, 1017,
	1280, 1536, 2024, 2032, 2560, 3036, 3048, 4048, 4096, 6072, 8192, 12144, 16384, 24288, 32768,
}

// curveBurst is the number of bytes in a burst of these writes.
func (e effort) curveBurst(size int) int64 {
	if size < 512 {
		return e.smallAirBytes
	}
	return e.airBytes
}

// sizeCurve measures the rate of many write sizes with the packets of 3 Mbit/s.
// One round is enough: slots are exact.
func sizeCurve(b *bench) error {
	usual := b.radio
	defer func() { b.radio = usual }()
	radio, err := newRadio(rfcommtest.Config{PacketTypes: rfcommtest.EDR3})
	if err != nil {
		return fmt.Errorf("a radio with %s: %w", packetKinds[0].name, err)
	}
	defer radio.close()
	b.radio = radio
	radio.setPackets(rfcommtest.EDR3)

	names := burstPeers(b)
	t := newTable("Payload rate by write size, kB/s", append(append([]string{"bytes in a write"}, names...), "× "+rctest, "× raw")...)
	t.note("With 3-DH5 packets, in one round, counted in slots as above. A stream that fills all packets carries %.0f kB/s.",
		bitsPerSecond(packetKinds[0].payload, 6*slotTime)/8e3)
	rate := func(s sample) float64 {
		return float64(s.units) / 1e3 / (time.Duration(s.slots) * slotTime).Seconds()
	}
	for _, size := range b.effort.curveSizes {
		progress("writes of %d bytes", size)
		o := rounds(1, names, func(name string) (sample, error) {
			return b.measure(b.peer(name), burst(size, b.effort.curveBurst(size)))
		})
		row := []string{fmt.Sprint(size)}
		for _, name := range names {
			row = append(row, o.cell(name, rate, "%.1f"))
		}
		t.row(append(row, o.times(thisLibrary, rctest, rate), o.times(thisLibrary, rawCalls, rate))...)
	}
	t.print()
	return nil
}
