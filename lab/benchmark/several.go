//go:build linux

package main

import "fmt"

// severalCounts are the numbers of concurrent streams. Each stream starts from
// an adapter of its own: between two adapters, all would share one link.
var severalCounts = []int{1, 3, 7}

// severalSizes are the sizes of the writes of these streams.
var severalSizes = []int{1012, 4096}

func severalStreams(b *bench) error {
	names := b.names(roleSendSeveral)
	t := newTable("Several streams at once, to one adapter",
		"streams", "bytes in a write", "MB/s of "+thisLibrary, "of "+rawCalls, "× raw", "CPU ms for a MiB of "+thisLibrary, "of "+rawCalls, "× raw", "slowest stream of "+thisLibrary, "of "+rawCalls)
	t.note("Each end is one process; with raw system calls it has a single loop over all its streams. %d KiB in total. The slowest stream is given as a fraction of an equal share.", b.effort.bytes>>10)
	for _, count := range severalCounts {
		for _, size := range severalSizes {
			progress("%d streams of %d-byte writes", count, size)
			o := rounds(b.effort.rounds, names, func(name string) (sample, error) {
				return b.measure(b.peer(name), task{
					listening: roleReceiveSeveral, dialing: roleSendSeveral, unit: "bytes", units: b.effort.bytes,
					job: job{size: size, step: b.effort.bytes / 8, count: int64(count)},
				})
			})
			row := []string{fmt.Sprint(count), fmt.Sprint(size)}
			for _, figure := range []struct {
				metric metric
				format string
			}{{sample.megabytes, "%.2f"}, {sample.cpuPerMebibyte, "%.0f"}} {
				row = append(row, o.cell(thisLibrary, figure.metric, figure.format), o.cell(rawCalls, figure.metric, figure.format),
					o.times(thisLibrary, rawCalls, figure.metric))
			}
			slowest := func(s sample) float64 { return s.share }
			t.row(append(row, o.cell(thisLibrary, slowest, "%.2f"), o.cell(rawCalls, slowest, "%.2f"))...)
		}
	}
	t.print()
	return nil
}
