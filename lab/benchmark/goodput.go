//go:build linux

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// goodput measures files with time on the air, as a share of what an endless
// stream of full packets carries.
func goodput(b *bench) error {
	kind := packetKinds[0]
	usual := *b
	defer func() { b.radio, b.effort = usual.radio, usual.effort }()
	radio, err := newRadio(rfcommtest.Config{PacketTypes: kind.types})
	if err != nil {
		return fmt.Errorf("a radio with %s: %w", kind.name, err)
	}
	defer radio.close()
	radio.setPackets(kind.types)
	b.radio = radio
	b.effort.fileBytes, b.effort.rounds = b.effort.goodputBytes, b.effort.goodputRounds
	dir, err := b.fileDirectory()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	progress("goodput")
	b.printGoodput(b.transfers(b.goodputWays(), dir, true), kind.name, bitsPerSecond(kind.payload, 6*slotTime))
	return nil
}

// The names of the ways whose goodput is measured.
const (
	copyFrom  = "io.Copy from the server"
	framedGet = "framed get"
	plainGet  = "plain get"
	copyTo    = "io.Copy to the server"
	framedPut = "framed put"
)

func (b *bench) goodputWays() []way {
	end := b.fileEnd
	return []way{
		{name: copyFrom, server: end("library", roleServeBytes), client: end("library", roleGetBytes)},
		{name: framedGet, server: end("library", roleServe), client: end("library", roleGet)},
		{name: plainGet, server: end("library", roleServe), client: end("library", roleFetch)},
		{name: copyTo, server: end("library", roleTakeBytes), client: end("library", rolePutBytes), puts: true},
		{name: framedPut, server: end("library", roleServe), client: end("library", rolePut), puts: true},
	}
}

// printGoodput prints the table. The ceiling is in bits per second.
func (b *bench) printGoodput(o outcomes, packets string, ceiling float64) {
	rate := func(s sample) float64 { return bitsPerSecond(int(s.units), s.wall) }
	share := func(s sample) float64 { return rate(s) / ceiling }
	inSlots := func(s sample) float64 {
		return bitsPerSecond(int(s.units), time.Duration(s.slots)*slotTime) / ceiling
	}
	first := func(s sample) float64 { return s.before.Seconds() * 1e3 }
	t := newTable("Goodput of a file with time on the air", "", "kbit/s", "share", "× io.Copy", "share, by slots", "first byte after, ms")
	t.note("A file of %d KiB with %s packets over a new connection and an open link; rounds: %d. The rate is that of the content from its first byte to its last, at the receiving end; a share of 1 is %.0f kbit/s, a stream that fills all packets. The share by slots counts only the slots of the data and the credits, so it does not depend on the load of the machine. The time to the first byte begins when the client is connected.",
		b.effort.fileBytes>>10, packets, b.effort.rounds, ceiling/1e3)
	for _, w := range b.goodputWays() {
		by := copyFrom
		if w.puts {
			by = copyTo
		}
		t.row(w.name, o.cell(w.name, func(s sample) float64 { return rate(s) / 1e3 }, "%.0f"), o.cell(w.name, share, "%.3f"),
			o.times(w.name, by, rate), o.cell(w.name, inSlots, "%.3f"), o.cell(w.name, first, "%.0f"))
		if w.name != by {
			b.goals.atLeast(fmt.Sprintf("share of the %s ceiling, %s", packets, w.name), o.values(w.name, share), 0.97)
			b.goals.atLeast(fmt.Sprintf("share of the %s ceiling by slots, %s", packets, w.name), o.values(w.name, inSlots), 0.97)
		}
	}
	t.print()
}
