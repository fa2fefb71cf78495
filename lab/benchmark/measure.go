//go:build linux

package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A sample is the result of one measurement.
type sample struct {
	units int64         // bytes, trips or connections
	wall  time.Duration // the time of the units
	cpu   time.Duration // the CPU time of the processes of both ends
	slots int64         // the slots on the air

	daemons time.Duration // the CPU time of the daemons, if there are any

	// For a file, wall is the time from the first byte of the content to the last.
	before time.Duration // the time from the connection to the first byte
	call   time.Duration // the time of the content and the protocol around it

	share float64 // for several streams: the share of the slowest; 1 is an equal share
}

// megabytes returns the rate in MB/s.
func (s sample) megabytes() float64 { return float64(s.units) / 1e6 / s.wall.Seconds() }

// cpuPerMebibyte returns the CPU time of a mebibyte in milliseconds.
func (s sample) cpuPerMebibyte() float64 {
	return s.cpu.Seconds() * 1e3 / (float64(s.units) / (1 << 20))
}

// milliseconds returns the time of a unit in milliseconds.
func (s sample) milliseconds() float64 { return s.wall.Seconds() * 1e3 / float64(s.units) }

// cpuMilliseconds returns the CPU time of a unit in milliseconds.
func (s sample) cpuMilliseconds() float64 { return s.cpu.Seconds() * 1e3 / float64(s.units) }

// A meter reads all clocks at once.
type meter struct {
	radio   *radio
	ends    []*process
	daemons []*process
}

type reading struct {
	at      time.Time
	cpu     time.Duration
	daemons time.Duration
	slots   int64
}

func (m meter) read() (reading, error) {
	r := reading{at: time.Now(), slots: m.radio.slots()}
	var err error
	if r.cpu, err = cpuOfAll(m.ends); err != nil {
		return r, err
	}
	r.daemons, err = cpuOfAll(m.daemons)
	return r, err
}

func cpuOfAll(processes []*process) (total time.Duration, err error) {
	for _, p := range processes {
		used, err := p.cpu()
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

func (r reading) since(before reading) sample {
	return sample{
		wall: r.at.Sub(before.at), cpu: r.cpu - before.cpu, daemons: r.daemons - before.daemons,
		slots: r.slots - before.slots,
	}
}

// count measures from the first report of a process until the process has
// reported the given number of further units.
func (m meter) count(reporter *process, unit string, units int64) (sample, error) {
	if _, err := reporter.waitFor(" " + unit); err != nil {
		return sample{}, err
	}
	begin, err := m.read()
	if err != nil {
		return sample{}, err
	}
	var counted int64
	for counted < units {
		line, err := reporter.waitFor(" " + unit)
		if err != nil {
			return sample{}, err
		}
		n, err := reported(line, unit)
		if err != nil {
			return sample{}, err
		}
		counted += n
	}
	end, err := m.read()
	s := end.since(begin)
	s.units = counted
	return s, err
}

// countBurst measures one burst of a stream by the slots that it takes.
func (m meter) countBurst(reporter *process, unit string) (sample, error) {
	var before reading
	for warm := true; ; warm = false {
		line, err := reporter.waitFor(" " + unit)
		if err != nil {
			return sample{}, err
		}
		n, err := reported(line, unit)
		if err != nil {
			return sample{}, err
		}
		time.Sleep(settleTime)
		now, err := m.read()
		if err != nil {
			return sample{}, err
		}
		if !warm {
			s := now.since(before)
			s.units = n
			return s, nil
		}
		before = now
	}
}

// reported returns the number before the unit. A line of rctest has more words:
// "rctest[178]: 263120 bytes in 0.22 sec, 1180.64 kB/s".
func reported(line, unit string) (int64, error) {
	words := strings.Fields(line)
	place := slices.Index(words, unit)
	if place < 1 {
		return 0, fmt.Errorf("no number of %s in %q", unit, line)
	}
	return strconv.ParseInt(words[place-1], 10, 64)
}

// nextChannel returns the first of count channels that have been unused for the
// longest time. A channel is busy for a while after a connection.
func (b *bench) nextChannel(count int) int {
	if b.lastChannel+count >= keepChannel {
		b.lastChannel = 0
	}
	first := b.lastChannel + 1
	b.lastChannel += count
	return first
}

// startPair starts a listening end and, when it listens, a dialing end.
func startPair(listening, dialing []string, ready string) (listener, dialer *process, err error) {
	listener, err = start(listening...)
	if err != nil {
		return nil, nil, err
	}
	if _, err = listener.waitFor(ready); err == nil {
		dialer, err = start(dialing...)
	}
	if err != nil {
		listener.kill()
		return nil, nil, fmt.Errorf("the listening end: %w", err)
	}
	return listener, dialer, nil
}

// killPair kills both ends of a connection. It kills the dialing end first, so
// that the other can read the remaining data: unread data keeps a channel busy
// for 40 s.
func killPair(listener, dialer *process) {
	dialer.kill()
	limit := time.After(3 * time.Second)
	for {
		select {
		case line, ok := <-listener.lines:
			if ok && !strings.Contains(line, "Disconnect") { // rctest continues to listen
				continue
			}
		case <-listener.ended:
		case <-limit:
		}
		break
	}
	listener.kill()
}

// A task is the work by which a peer is measured.
type task struct {
	listening, dialing string // the roles of the ends
	dialerCounts       bool   // the dialing end reports; otherwise the listening end does
	bursts             bool   // the end reports whole bursts
	unit               string
	units              int64
	job                job
}

// attempts is the number of times that a measurement is tried if its ends do
// not connect. The kernel resets or refuses a few connections.
const attempts = 3

// measure measures a peer at a task. It returns errHangs if the peer makes no
// progress.
func (b *bench) measure(p peer, t task) (s sample, err error) {
	for range attempts {
		s, err = b.measureOnce(p, t)
		if err == nil || errors.Is(err, errHangs) {
			break
		}
		progress("%s: %v", p.name, err)
		time.Sleep(time.Second)
	}
	return s, err
}

func (b *bench) measureOnce(p peer, t task) (sample, error) {
	t.job.channel = b.nextChannel(max(1, t.channels()))
	listener, dialer, err := startPair(p.command(b.radio, t.listening, t.job), p.command(b.radio, t.dialing, t.job), p.ready)
	if err != nil {
		return sample{}, err
	}
	defer killPair(listener, dialer)
	reporter, other, otherRole := listener, dialer, t.dialing
	if t.dialerCounts {
		reporter, other, otherRole = dialer, listener, t.listening
	}
	m := meter{radio: b.radio, ends: []*process{listener, dialer}}
	var s sample
	if t.bursts {
		s, err = m.countBurst(reporter, t.unit)
	} else {
		s, err = m.count(reporter, t.unit, t.units)
	}
	if err != nil {
		select {
		case <-other.ended:
			return sample{}, fmt.Errorf("the %s end: %s", otherRole, other.last())
		default:
		}
		return sample{}, err
	}
	if t.listening == roleReceiveSeveral {
		dialer.kill()
		line, err := listener.waitFor("slowest ")
		if err != nil {
			return sample{}, err
		}
		if _, err := fmt.Sscanf(line, "slowest %f", &s.share); err != nil {
			return sample{}, err
		}
	}
	return s, nil
}

// channels returns the number of channels that the task needs.
func (t task) channels() int {
	if t.listening == roleAccept {
		return int(t.job.count)
	}
	return 1
}
