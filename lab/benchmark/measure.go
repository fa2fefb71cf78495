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

// A sample is what one measurement came to.
type sample struct {
	units int64         // bytes, trips or connections
	wall  time.Duration // what they took
	cpu   time.Duration // of the processes of both ends
	slots int64         // on the air

	call  time.Duration // of a file: with what is said around its content
	share float64       // of several streams: the slowest one's, 1 being an equal one
}

// megabytes is the rate in MB/s.
func (s sample) megabytes() float64 { return float64(s.units) / 1e6 / s.wall.Seconds() }

// cpuPerMebibyte is in milliseconds.
func (s sample) cpuPerMebibyte() float64 {
	return s.cpu.Seconds() * 1e3 / (float64(s.units) / (1 << 20))
}

// milliseconds is the time of a unit.
func (s sample) milliseconds() float64 { return s.wall.Seconds() * 1e3 / float64(s.units) }

// cpuMilliseconds is the CPU time of a unit.
func (s sample) cpuMilliseconds() float64 { return s.cpu.Seconds() * 1e3 / float64(s.units) }

// A meter reads all clocks at once.
type meter struct {
	radio *radio
	ends  []*process
}

type reading struct {
	at    time.Time
	cpu   time.Duration
	slots int64
}

func (m meter) read() (reading, error) {
	r := reading{at: time.Now(), slots: m.radio.slots()}
	for _, p := range m.ends {
		used, err := p.cpu()
		if err != nil {
			return r, err
		}
		r.cpu += used
	}
	return r, nil
}

func (r reading) since(before reading) sample {
	return sample{wall: r.at.Sub(before.at), cpu: r.cpu - before.cpu, slots: r.slots - before.slots}
}

// count measures from the first report of a process until it has reported that
// many units more.
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

// countBurst measures one burst of a stream, by the slots that it used.
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

// reported returns the number before the unit. rctest's lines have more around it:
// "rctest[178]: 263120 bytes in 0.22 sec, 1180.64 kB/s".
func reported(line, unit string) (int64, error) {
	words := strings.Fields(line)
	place := slices.Index(words, unit)
	if place < 1 {
		return 0, fmt.Errorf("no number of %s in %q", unit, line)
	}
	return strconv.ParseInt(words[place-1], 10, 64)
}

// nextChannel returns the first of that many channels that have not been used for
// the longest time: a channel is busy for a while after a connection.
func (b *bench) nextChannel(count int) int {
	if b.lastChannel+count >= keepChannel {
		b.lastChannel = 0
	}
	first := b.lastChannel + 1
	b.lastChannel += count
	return first
}

// startPair starts a listening end and, when it listens, a dialing one.
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

// killPair ends both ends of a connection. The dialing one goes first, and the
// other has a moment to read what is still coming: data that nobody reads keeps a
// channel busy for 40 s.
func killPair(listener, dialer *process) {
	dialer.kill()
	limit := time.After(3 * time.Second)
	for {
		select {
		case line, ok := <-listener.lines:
			if ok && !strings.Contains(line, "Disconnect") { // rctest goes on listening
				continue
			}
		case <-listener.ended:
		case <-limit:
		}
		break
	}
	listener.kill()
}

// A task is what a peer is measured at.
type task struct {
	listening, dialing string // the roles
	dialerCounts       bool   // the dialing end reports, otherwise the listening one
	bursts             bool   // it reports whole bursts
	unit               string
	units              int64
	job                job
}

// attempts is how often a measurement is tried whose ends do not get to work: the
// kernel resets or refuses a few connections.
const attempts = 3

// measure measures a peer at a task. It returns errHangs if that gets nowhere.
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
	m := meter{b.radio, []*process{listener, dialer}}
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

// channels is how many channels the task needs.
func (t task) channels() int {
	if t.listening == roleAccept {
		return int(t.job.count)
	}
	return 1
}
