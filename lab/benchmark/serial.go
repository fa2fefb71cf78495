//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// serialWrite is the number of bytes in a write of the sending programs.
const serialWrite = 4096

// A serialWay is a way in which a program exchanges data with a device.
type serialWay struct {
	name  string
	socat string // the way in which socat does the same, if there is one
	local string // the role of the local process with the connection; empty: socat has it

	// The program is at a serial port: one that the local process makes, or the
	// far end of a cable whose near end is the port of the local process. The
	// cable is a pair of pseudo terminals. Without both, the local process is the
	// program.
	port, cable bool

	// command returns the command line of socat, from the connection, or from the
	// tty of the local process, to the port.
	command func(r *radio, channel int, tty, port string) []string
}

// The ways that others are compared with.
const (
	plainConn  = "plain Conn"
	relayWay   = "relay"
	socatPTY   = "socat: pty"
	socatRelay = "socat: relay"
	socatTTY   = "socat: relay over a tty"
)

var serialWays = []serialWay{
	{name: plainConn, local: rolePlain},
	{name: "tty (Port)", local: rolePort},
	{name: "pty (Device)", socat: socatPTY, local: roleDevice, port: true},
	{name: socatPTY, port: true, command: func(r *radio, channel int, _, port string) []string {
		return []string{"socat", socatConnect(r, channel), "PTY,rawer,link=" + port}
	}},
	{name: relayWay, socat: socatRelay, local: roleRelay, cable: true},
	{name: socatRelay, cable: true, command: func(r *radio, channel int, _, port string) []string {
		return []string{"socat", socatConnect(r, channel), "OPEN:" + port + ",rawer"}
	}},
	{name: "relay over a tty", socat: socatTTY, local: roleRelayTTY, cable: true},
	{name: socatTTY, local: roleNode, cable: true, command: func(_ *radio, _ int, tty, port string) []string {
		return []string{"socat", "OPEN:" + tty + ",rawer", "OPEN:" + port + ",rawer"}
	}},
}

// socatConnect returns socat's words for an RFCOMM connection: a socket of the
// family AF_BLUETOOTH and of BTPROTO_RFCOMM, with the rest of struct sockaddr_rc.
func socatConnect(r *radio, channel int) string {
	address := func(device rfcomm.BDAddr, channel int) string {
		var text strings.Builder
		for i := range device {
			fmt.Fprintf(&text, "%02x", device[len(device)-1-i])
		}
		return fmt.Sprintf("x%s%02x00", text.String(), channel)
	}
	return fmt.Sprintf("SOCKET-CONNECT:31:3:%s,bind=%s", address(r.listening, channel), address(r.dialing[0], 0))
}

// A serialTask is the transfer by which a way is measured.
type serialTask struct {
	out   bool // from the program to the device
	bytes int64
}

func serialPorts(b *bench) error {
	dir, err := os.MkdirTemp("", "serial")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e := b.effort
	in, out := b.serialRounds(dir, "without air time", e.rounds, e.bytes)
	t := newTable("Serial ports, without time on the air", serialHead("MB/s")...)
	t.note("%d KiB in %d-byte writes of the sending program or device, after a warm-up of an eighth of that. \"In\" is from the device to the program. The CPU time is that of the processes between the connection and the port, without the program and the device; a plain Conn and a Port are read and written by the program itself.", e.bytes>>10, serialWrite)
	b.serialTable(t, in, out, sample.megabytes, "%.2f")

	usual := b.radio
	defer func() { b.radio = usual }()
	radio, err := newRadio(rfcommtest.Config{PacketTypes: rfcommtest.EDR3})
	if err != nil {
		return fmt.Errorf("a radio with %s: %w", packetKinds[0].name, err)
	}
	defer radio.close()
	b.radio = radio
	radio.setPackets(rfcommtest.EDR3)
	airIn, airOut := b.serialRounds(dir, "with air time", max(3, e.airRounds), 2*e.airBytes)
	t = newTable("Serial ports, with time on the air", serialHead("kB/s")...)
	t.note("%d KiB, with %s packets.", 2*e.airBytes>>10, packetKinds[0].name)
	kilobytes := func(s sample) float64 { return 1e3 * s.megabytes() }
	b.serialTable(t, airIn, airOut, kilobytes, "%.0f")

	for _, d := range []struct {
		name     string
		fast, on outcomes
	}{{"in", in, airIn}, {"out", out, airOut}} {
		b.goals.atMost("CPU time of a relay × socat, "+d.name, d.fast.quotients(relayWay, socatRelay, sample.cpuPerMebibyte), 1.2)
		b.goals.atLeast("throughput of a relay × plain Conn, with air time, "+d.name, d.on.quotients(relayWay, plainConn, sample.megabytes), 0.95)
	}
	return nil
}

// serialRounds measures all ways, in both directions.
func (b *bench) serialRounds(dir, title string, count int, bytes int64) (in, out outcomes) {
	var names []string
	ways := map[string]serialWay{}
	for _, w := range serialWays {
		names = append(names, w.name)
		ways[w.name] = w
	}
	direction := func(out bool) outcomes {
		return rounds(count, names, func(name string) (sample, error) {
			return b.measureSerial(dir, ways[name], serialTask{out, bytes})
		})
	}
	progress("serial ports, %s, in", title)
	in = direction(false)
	progress("serial ports, %s, out", title)
	return in, direction(true)
}

func serialHead(unit string) []string {
	var head []string
	for _, d := range []string{"in", "out"} {
		head = append(head, d+", "+unit, "× plain", "CPU ms for a MiB", "× socat")
	}
	return append([]string{""}, head...)
}

// serialTable prints a row for each way.
func (b *bench) serialTable(t *table, in, out outcomes, rate metric, format string) {
	for _, w := range serialWays {
		row := []string{w.name}
		for _, o := range []outcomes{in, out} {
			row = append(row, o.cell(w.name, rate, format), o.times(w.name, plainConn, rate),
				o.cell(w.name, sample.cpuPerMebibyte, "%.0f"), o.times(w.name, w.socat, sample.cpuPerMebibyte))
		}
		t.row(row...)
	}
	t.print()
}

// measureSerial measures a way. It returns errHangs if there is no progress.
func (b *bench) measureSerial(dir string, w serialWay, t serialTask) (s sample, err error) {
	for range attempts {
		s, err = b.measureSerialOnce(dir, w, t)
		if err == nil || errors.Is(err, errHangs) {
			break
		}
		progress("%s: %v", w.name, err)
		time.Sleep(time.Second)
	}
	return s, err
}

func (b *bench) measureSerialOnce(dir string, w serialWay, t serialTask) (sample, error) {
	run := &serialRun{bench: b, way: w, task: t, channel: b.nextChannel(1)}
	defer run.end()
	run.port = filepath.Join(dir, "port"+strconv.Itoa(run.channel))
	run.tty = filepath.Join(dir, "tty"+strconv.Itoa(run.channel))
	if err := run.begin(); err != nil {
		return sample{}, err
	}
	reporter := run.program
	if t.out {
		reporter = run.device
	}
	s, err := meter{radio: b.radio, ends: run.local}.count(reporter, "bytes", t.bytes)
	if err != nil && !errors.Is(err, errHangs) {
		for _, p := range run.local {
			err = fmt.Errorf("%w; %s said last: %q", err, p.name, p.last())
		}
	}
	return s, err
}

// A serialRun holds the processes of one measurement.
type serialRun struct {
	bench     *bench
	way       serialWay
	task      serialTask
	channel   int
	port, tty string // paths

	device  *process   // the far end of the connection
	program *process   // the end that sends or receives at the port
	local   []*process // those between the connection and the port, whose CPU time counts
}

// begin starts the processes, each after those that it needs.
func (r *serialRun) begin() (err error) {
	device, program := roleSupply, roleProgramReceive
	if r.task.out {
		device, program = roleReceive, roleProgramSend
	}
	if r.device, err = r.start(device); err != nil {
		return err
	}
	if _, err = r.device.waitFor("listening"); err != nil {
		return err
	}
	if r.way.cable {
		if r.program, err = r.start(program, "-cable"); err != nil {
			return err
		}
		if err = awaitPath(r.port); err != nil {
			return err
		}
	}
	if err = r.beginLocal(); err != nil || r.way.cable {
		return err
	}
	if !r.way.port {
		r.program = r.local[0]
		return nil
	}
	if err = awaitPath(r.port); err == nil {
		r.program, err = r.start(program)
	}
	return err
}

// beginLocal starts the processes between the connection and the port.
func (r *serialRun) beginLocal() error {
	if role := r.way.local; role != "" {
		local, err := r.start(role)
		if err != nil {
			return err
		}
		r.local = append(r.local, local)
	}
	if r.way.command == nil {
		return nil
	}
	if r.way.local != "" {
		if err := awaitPath(r.tty); err != nil {
			return err
		}
	}
	socat, err := start(r.way.command(r.bench.radio, r.channel, r.tty, r.port)...)
	if err == nil {
		r.local = append(r.local, socat)
	}
	return err
}

// start starts this program in a role.
func (r *serialRun) start(role string, flags ...string) (*process, error) {
	j := job{channel: r.channel, size: serialWrite, step: r.task.bytes / 8, count: 1}
	command := append(endCommand("library")(r.bench.radio, role, j), "-port", r.port, "-tty", r.tty)
	if r.task.out {
		command = append(command, "-out")
	}
	return start(append(command, flags...)...)
}

// end kills the processes: first those with the connection, so that the device
// can read the remaining data.
func (r *serialRun) end() {
	for _, p := range r.local {
		p.kill()
	}
	if r.device != nil {
		killPair(r.device, nil)
	}
	if r.program != nil {
		r.program.kill()
	}
	os.Remove(r.port)
	os.Remove(r.tty)
}

// awaitPath waits until a path exists.
func awaitPath(path string) error {
	for limit := time.Now().Add(hangLimit); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		if time.Now().After(limit) {
			return fmt.Errorf("no %s after %v: %w", path, hangLimit, errHangs)
		}
	}
}
