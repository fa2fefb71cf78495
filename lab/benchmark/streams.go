//go:build linux

package main

import "fmt"

// writeSizes are the sizes of a write: a small one, the most data that one
// 3-DH5 packet carries, a full frame, a usual buffer, and the buffer of
// io.Copy.
var writeSizes = []int{64, 1012, 1016, 4096, 32768}

// smallSize is the write size that is so slow that fewer bytes are enough.
const smallSize = 64

// streamTask returns the task of one connection that carries bytes from the
// dialing end.
func streamTask(size int, bytes int64) task {
	return task{
		listening: roleReceive, dialing: roleSend, unit: "bytes", units: bytes,
		job: job{size: size, step: bytes / 8, count: 1},
	}
}

func streams(b *bench) error {
	head := []string{"bytes in a write"}
	for _, p := range b.peers {
		head = append(head, p.name)
	}
	head = append(head, "× "+rctest, "× raw")
	rate := newTable("Throughput of a stream, MB/s", head...)
	rate.note("Both ends belong to the same peer, and all reading ends read as much as is available. %d KiB in %d-byte writes and %d KiB in others, after a warm-up of an eighth of that. A peer without progress for %v hangs.",
		b.effort.smallBytes>>10, smallSize, b.effort.bytes>>10, hangLimit)
	cpu := newTable("CPU time of a stream, ms for a MiB", head...)
	cpu.note("User and system time of the processes of both ends, from the same measurements. The kernel's own threads and the radio are not included.")
	for _, size := range writeSizes {
		bytes := b.effort.bytes
		if size == smallSize {
			bytes = b.effort.smallBytes
		}
		progress("streams of %d-byte writes", size)
		o := rounds(b.effort.rounds, b.names(roleSend), func(name string) (sample, error) {
			return b.measure(b.peer(name), streamTask(size, bytes))
		})
		b.addRow(rate, fmt.Sprint(size), o, sample.megabytes, "%.2f")
		b.addRow(cpu, fmt.Sprint(size), o, sample.cpuPerMebibyte, "%.0f")
		b.goals.atLeast(fmt.Sprintf("throughput × rctest, writes of %d", size), o.quotients(thisLibrary, rctest, sample.megabytes), 1)
		b.goals.atMost(fmt.Sprintf("CPU time × raw, writes of %d", size), o.quotients(thisLibrary, rawCalls, sample.cpuPerMebibyte), 1.1)
	}
	rate.print()
	cpu.print()
	return nil
}

// addRow adds the medians of all peers and the quotients of this module.
func (b *bench) addRow(t *table, first string, o outcomes, m metric, format string) {
	row := []string{first}
	for _, p := range b.peers {
		row = append(row, o.cell(p.name, m, format))
	}
	t.row(append(row, o.times(thisLibrary, rctest, m), o.times(thisLibrary, rawCalls, m))...)
}

// names returns the names of the peers that support a role.
func (b *bench) names(role string) []string {
	var names []string
	for _, p := range b.peers {
		if p.plays(role) {
			names = append(names, p.name)
		}
	}
	return names
}

func (b *bench) peer(name string) peer {
	for _, p := range b.peers {
		if p.name == name {
			return p
		}
	}
	panic("no peer " + name)
}
