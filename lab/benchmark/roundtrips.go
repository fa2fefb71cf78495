//go:build linux

package main

import "fmt"

func roundTrips(b *bench) error {
	names := b.names(roleAsk)
	head := append(append([]string{"bytes"}, names...), "× "+python, "× raw")
	trip := newTable("Round trip, ms", head...)
	trip.note("%d round trips, one after another. %s has no mode for them.", b.effort.trips, rctest)
	cpu := newTable("CPU time of a round trip, ms", head...)
	for _, size := range []int{1, 64} {
		progress("round trips of %d bytes", size)
		o := rounds(b.effort.rounds, names, func(name string) (sample, error) {
			return b.measure(b.peer(name), task{
				listening: roleEcho, dialing: roleAsk, dialerCounts: true, unit: "trips", units: b.effort.trips,
				job: job{size: size, step: b.effort.trips / 8, count: 1},
			})
		})
		trip.comparison(fmt.Sprint(size), o, names, sample.milliseconds, "%.2f")
		cpu.comparison(fmt.Sprint(size), o, names, sample.cpuMilliseconds, "%.2f")
	}
	trip.print()
	cpu.print()
	return nil
}

// connections measures the time to set up a connection over an open link, as
// between devices that already have a connection.
func connections(b *bench) error {
	names := b.names(roleDial)
	t := newTable("Setting up a connection", append(append([]string{""}, names...), "× "+python, "× raw")...)
	t.note("%d dials by one process to as many channels, over an open link. rctest is missing: it disconnects after each dial and redials immediately, which the kernel mostly refuses.", b.effort.connections)
	progress("connections")
	o := rounds(b.effort.rounds, names, func(name string) (sample, error) {
		return b.measure(b.peer(name), task{
			listening: roleAccept, dialing: roleDial, dialerCounts: true, unit: "connections", units: b.effort.connections,
			job: job{step: 1, count: b.effort.connections + 1},
		})
	})
	t.comparison("time, ms", o, names, sample.milliseconds, "%.2f")
	t.comparison("CPU time, ms", o, names, sample.cpuMilliseconds, "%.2f")
	t.print()
	return nil
}

// comparison adds a row for subjects that rctest does not support.
func (t *table) comparison(first string, o outcomes, names []string, m metric, format string) {
	row := []string{first}
	for _, name := range names {
		row = append(row, o.cell(name, m, format))
	}
	t.row(append(row, o.times(thisLibrary, python, m), o.times(thisLibrary, rawCalls, m))...)
}
