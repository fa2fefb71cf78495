//go:build linux

package main

import (
	"fmt"

	"github.com/go-rfcomm/rfcomm/internal/hcictl"
)

// dialsByUUID is the number of dials of one program after the first, which is
// not measured. The channels suffice for two programs in turn.
const dialsByUUID = 12

// serviceGoal is the part of PyBluez's time and CPU time that a dial by UUID
// should take at most.
const serviceGoal = 0.5

// serviceDials measures dials to services of which only the UUID is known.
func (b *bench) serviceDials() error {
	// The open links were made without simple pairing, which bluetoothd turns
	// on. Encrypting them would need a person to answer.
	if err := b.radio.dropLinks(); err != nil {
		return err
	}
	// Otherwise bluetoothd would turn page scan off at some time after its start.
	if err := b.radio.setScan(hcictl.ScanNothing); err != nil {
		return err
	}
	daemons, err := startDaemons(systemDaemons)
	defer killAll(daemons)
	if err != nil {
		return err
	}
	publisher, err := start(servicesCommand(b.radio, rolePublish, job{channel: 1, count: keepChannel - 1})...)
	if err != nil {
		return err
	}
	defer publisher.kill()
	if _, err := publisher.waitFor("published"); err != nil {
		return fmt.Errorf("publishing services: %w", err)
	}
	if err := b.radio.makeConnectable(); err != nil {
		return err
	}
	if err := b.keepKnownLinks(daemons); err != nil {
		return err
	}

	progress("dials by UUID")
	many := b.lookUps(dialTask(dialsByUUID), daemons)
	once := b.lookUps(dialTask(1), daemons)
	b.printServiceDials(many, once)
	return nil
}

// keepKnownLinks keeps links open over which ConnectProfile works. bluetoothd
// looks up all services of a device when a bond is made, and ConnectProfile takes
// an incomplete list for complete until the link ends.
func (b *bench) keepKnownLinks(daemons []*process) error {
	peers := servicePeers(roleDialService)
	byProfile := peers[len(peers)-1]
	for attempt := 1; ; attempt++ {
		if err := b.radio.keepLinks(); err != nil {
			return err
		}
		_, err := b.lookUp(byProfile, dialTask(1), daemons)
		if err == nil || attempt == attempts { // after a failure, the table has one as well
			return nil
		}
		progress("the first dial by %s: %v", connectProfile, err)
		if err := b.radio.dropLinks(); err != nil {
			return err
		}
	}
}

// dialTask returns the task of a program that dials. If it dials more than once,
// the first dial is not counted.
func dialTask(dials int64) task {
	count := dials
	if dials > 1 {
		count++
	}
	return task{
		listening: roleAccept, dialing: roleDialService, unit: "connections", units: dials,
		job: job{step: 1, count: count},
	}
}

func (b *bench) printServiceDials(many, once outcomes) {
	t := newTable("A dial by UUID", "", thisLibrary, pybluez, connectProfile, "× "+pybluez, "× "+connectProfile)
	t.note("A search for the service with its UUID among %d, and a connection to its channel, over an open link. The service is published with bluetoothd, which answers all searches. PyBluez calls find_service and connect. ConnectProfile is the method of bluetoothd, called by a program with Python's D-Bus library. A running program makes %d dials, after one that is not counted; a new program dials once, measured from its start.", keepChannel-1, dialsByUUID)
	for _, part := range []struct {
		name string
		outcomes
		goal string
	}{
		{"in a running program", many, "a dial by UUID"},
		{"by a new program", once, "a dial by UUID in a new program"},
	} {
		for _, figure := range []struct {
			name string
			metric
		}{
			{"time", sample.milliseconds},
			{"CPU time of the program", sample.cpuMilliseconds},
			{"CPU time of the program and the daemons", sample.allCPUMilliseconds},
		} {
			row := []string{fmt.Sprintf("%s %s, ms", figure.name, part.name)}
			for _, p := range servicePeers(roleDialService) {
				row = append(row, part.cell(p.name, figure.metric, "%.1f"))
			}
			t.row(append(row, part.times(thisLibrary, pybluez, figure.metric), part.times(thisLibrary, connectProfile, figure.metric))...)
		}
		b.goals.atMost("time × PyBluez, "+part.goal, part.quotients(thisLibrary, pybluez, sample.milliseconds), serviceGoal)
		b.goals.atMost("CPU time × PyBluez, "+part.goal, part.quotients(thisLibrary, pybluez, sample.cpuMilliseconds), serviceGoal)
	}
	t.print()
}

// allCPUMilliseconds returns the CPU time of a unit in milliseconds, with that of
// the daemons.
func (s sample) allCPUMilliseconds() float64 {
	return (s.cpu + s.daemons).Seconds() * 1e3 / float64(s.units)
}
