//go:build linux

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

//go:embed services.py
var servicesEnd string

// The names of the peers that look up services.
const (
	pybluez        = "PyBluez"
	connectProfile = "ConnectProfile"
)

// The roles of an end that offers services or looks them up.
const (
	roleOffer       = "offer"        // serves a number of records
	roleSearch      = "search"       // searches for them several times, and counts
	roleDialService = "dial-service" // looks up service after service, dials each, and counts

	// These are roles of services.py only.
	roleConnectProfile = "connect-profiles" // has bluetoothd look up and dial the services
	rolePublish        = "publish"          // publishes services with bluetoothd
)

// offeredRecords is the number of records of a search.
const offeredRecords = 100

// services measures searches, and dials to services whose channel is not known.
func services(b *bench) error {
	for _, program := range []string{bluetoothd, systemBus} {
		if _, err := exec.LookPath(program); err != nil {
			fmt.Printf("\nServices are left out: %v.\n", err)
			return nil
		}
	}
	for _, module := range []string{"bluetooth", "dbus", "gi"} { // those of services.py
		if err := exec.Command(debianPython, "-c", "import "+module).Run(); err != nil {
			fmt.Printf("\nServices are left out: Python has no module %s.\n", module)
			return nil
		}
	}
	// PyBluez leaves the choice of the adapter to the kernel. The lab's own
	// adapters do not reach those of the benchmark.
	if _, err := labtest.Request("unplug"); err != nil {
		return err
	}
	defer labtest.Request("plug")
	if err := b.searches(); err != nil {
		return err
	}
	return b.serviceDials()
}

// servicePeers returns the programs that play a role. All have the listening
// ends of this module.
func servicePeers(role string) []peer {
	library := endCommand("library")
	scripted := func(dialing string) func(*radio, string, job) []string {
		return func(r *radio, role string, j job) []string {
			switch role {
			case roleOffer, roleAccept:
				return library(r, role, j)
			case roleDialService:
				role = dialing
			}
			return servicesCommand(r, role, j)
		}
	}
	peers := []peer{
		{thisLibrary, []string{roleSearch, roleDialService}, "listening", library},
		{pybluez, []string{roleSearch, roleDialService}, "listening", scripted(roleDialService)},
		{connectProfile, []string{roleDialService}, "listening", scripted(roleConnectProfile)},
	}
	return slices.DeleteFunc(peers, func(p peer) bool { return !p.plays(role) })
}

func servicesCommand(r *radio, role string, j job) []string {
	return []string{debianPython, "-c", servicesEnd, role, r.listening.String(),
		fmt.Sprint(j.channel), fmt.Sprint(j.count), fmt.Sprint(j.step), r.dialing[0].String()}
}

// searches measures searches for many records, with answers in packets of the
// smallest and of the usual size.
func (b *bench) searches() error {
	t := newTable(fmt.Sprintf("A search for %d services", offeredRecords),
		"MTU", "ms of "+thisLibrary, "of "+pybluez, "× "+pybluez, "CPU ms of "+thisLibrary, "of "+pybluez, "× "+pybluez)
	t.note("%d searches, each over an L2CAP connection of its own and an open link, to the server of this library, which sends packets of up to MTU bytes. The CPU time is that of the program that searches.", b.effort.searches)
	for _, mtu := range []int{48, 672} {
		progress("searches with MTU %d", mtu)
		o := b.lookUps(task{
			listening: roleOffer, dialing: roleSearch, unit: "searches", units: b.effort.searches,
			job: job{size: mtu, step: b.effort.searches + 1, count: offeredRecords},
		}, nil)
		t.row(fmt.Sprint(mtu),
			o.cell(thisLibrary, sample.milliseconds, "%.1f"), o.cell(pybluez, sample.milliseconds, "%.1f"), o.times(thisLibrary, pybluez, sample.milliseconds),
			o.cell(thisLibrary, sample.cpuMilliseconds, "%.1f"), o.cell(pybluez, sample.cpuMilliseconds, "%.1f"), o.times(thisLibrary, pybluez, sample.cpuMilliseconds))
	}
	t.print()
	return nil
}

// lookUps measures all programs that play the dialing role of a task.
func (b *bench) lookUps(t task, daemons []*process) outcomes {
	peers := servicePeers(t.dialing)
	var names []string
	for _, p := range peers {
		names = append(names, p.name)
	}
	return rounds(b.effort.rounds, names, func(name string) (s sample, err error) {
		p := peers[slices.Index(names, name)]
		for range attempts {
			if s, err = b.lookUp(p, t, daemons); err == nil || errors.Is(err, errHangs) {
				break
			}
			progress("%s: %v", name, err)
			time.Sleep(time.Second)
		}
		return s, err
	})
}

// lookUp measures the dialing end of a program, and the daemons.
func (b *bench) lookUp(p peer, t task, daemons []*process) (sample, error) {
	t.job.channel = b.nextChannel(t.channels())
	listener, err := start(p.command(b.radio, t.listening, t.job)...)
	if err != nil {
		return sample{}, err
	}
	defer listener.kill()
	if _, err := listener.waitFor(p.ready); err != nil {
		return sample{}, err
	}
	m := meter{radio: b.radio, daemons: daemons}
	begin, err := m.read()
	if err != nil {
		return sample{}, err
	}
	dialer, err := start(p.command(b.radio, t.dialing, t.job)...)
	if err != nil {
		return sample{}, err
	}
	if t.listening == roleAccept {
		defer killPair(listener, dialer)
	} else {
		defer dialer.kill()
	}
	m.ends = []*process{dialer}
	s, err := t.measureLookUps(m, begin, dialer)
	if err != nil {
		select {
		case <-listener.ended:
			return sample{}, fmt.Errorf("the listening end: %s", listener.last())
		default:
		}
	}
	return s, err
}

// measureLookUps measures from the first report of a program on or, if one unit
// is all, from its start.
func (t task) measureLookUps(m meter, started reading, dialer *process) (sample, error) {
	if t.units > 1 {
		return m.count(dialer, t.unit, t.units)
	}
	if _, err := dialer.waitFor(" " + t.unit); err != nil {
		return sample{}, err
	}
	end, err := m.read()
	s := end.since(started)
	s.units = 1
	return s, err
}
