//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// slotTime is the duration of a slot on the air.
const slotTime = 625 * time.Microsecond

// packetKinds are the largest packets of each rate, and the bits per second of
// a stream that fills all of them: a packet takes 5 slots, and its answer 1.
var packetKinds = []struct {
	name    string
	payload int
	types   rfcommtest.PacketTypes
}{
	{"3-DH5", 1021, rfcommtest.EDR3},
	{"2-DH5", 679, rfcommtest.EDR2},
	{"DH5", 339, rfcommtest.BasicRate},
}

// burstPause is the pause between two bursts. It is long enough for the first
// to arrive and for the slots to be read.
const burstPause = 2 * time.Second

// settleTime is the time after the last byte within which its credits are sent
// back.
const settleTime = 500 * time.Millisecond

// burst is a task that sends some bytes, pauses, and sends as many again. The
// slots between two pauses are exactly the slots of one burst.
func burst(size int, bytes int64) task {
	writes := bytes / int64(size)
	return task{
		listening: roleReceive, dialing: roleSend, unit: "bytes", bursts: true,
		job: job{size: size, step: writes * int64(size), count: 1, burst: writes},
	}
}

// burstPeers returns the names of the peers that can pause between bursts.
func burstPeers(b *bench) []string {
	return slices.DeleteFunc(b.names(roleSend), func(name string) bool { return name == python })
}

// airTime uses a radio of its own for each kind of packets. Its controllers
// have no other packets, because this module asks the adapter for the packets
// it has.
func airTime(b *bench) error {
	usual := b.radio
	defer func() { b.radio = usual }()
	names := burstPeers(b)
	head := []string{"packets", "bytes in a write"}
	for _, name := range names {
		head = append(head, name+", kbit/s", "share")
	}
	t := newTable("Payload rate with time on the air", append(head, "× "+rctest, "× raw")...)
	t.note("%d KiB, or %d KiB in %d-byte writes, and the slots used by this data and the credits. The figures are exact, however busy the machine is. A share of 1 is the ceiling, a stream that fills all packets:", b.effort.airBytes>>10, b.effort.smallAirBytes>>10, smallSize)
	for i, kind := range packetKinds {
		radio, err := newRadio(rfcommtest.Config{PacketTypes: kind.types})
		if err != nil {
			return fmt.Errorf("a radio with %s: %w", kind.name, err)
		}
		b.radio = radio
		radio.setPackets(kind.types)
		ceiling := bitsPerSecond(kind.payload, 6*slotTime)
		t.note("%.0f kbit/s with %s%s", ceiling/1e3, kind.name, []string{",", ",", "."}[i])
		rate := func(s sample) float64 { return bitsPerSecond(int(s.units), time.Duration(s.slots)*slotTime) }
		share := func(s sample) float64 { return rate(s) / ceiling }
		for _, size := range writeSizes {
			bytes := b.effort.airBytes
			if size == smallSize {
				bytes = b.effort.smallAirBytes
			}
			progress("%s, writes of %d bytes", kind.name, size)
			o := rounds(b.effort.airRounds, names, func(name string) (sample, error) {
				return b.measure(b.peer(name), burst(size, bytes))
			})
			row := []string{kind.name, fmt.Sprint(size)}
			for _, name := range names {
				row = append(row, o.cell(name, func(s sample) float64 { return rate(s) / 1e3 }, "%.0f"), o.cell(name, share, "%.3f"))
			}
			t.row(append(row, o.times(thisLibrary, rctest, rate), o.times(thisLibrary, rawCalls, rate))...)
			if kind.types == rfcommtest.EDR3 && size != smallSize {
				b.goals.atLeast(fmt.Sprintf("share of the %s ceiling, writes of %d", kind.name, size), o.values(thisLibrary, share), 0.98)
			}
		}
		radio.close()
	}
	t.print()
	return nil
}

func bitsPerSecond(bytes int, in time.Duration) float64 { return float64(bytes) * 8 / in.Seconds() }
