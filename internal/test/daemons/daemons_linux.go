// Package daemons runs the daemons that Bluetooth programs meet on a desktop:
// dbus-daemon, bluetoothd, obexd, gpsd and udevd. A test starts those that it
// needs, in the lab's virtual machine and as root:
//
//	d := daemons.Bluetoothd(t, daemons.Options{Args: []string{"--compat"}})
//
// Each function returns once the daemon is ready. The end of the test ends the
// daemon, reverts its changes to the adapters, and, if the test has failed,
// logs the daemon's output. Tests that use this package must not run in
// parallel, since a daemon serves the whole machine.
package daemons

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// patience limits the wait for a daemon to become ready.
const patience = time.Minute

// stopTime limits the time from SIGTERM to the end of a daemon. bluetoothd
// gives itself 10 s.
const stopTime = 15 * time.Second

// loggedLines is the number of lines of a daemon's output that are logged if
// the test fails.
const loggedLines = 400

// Options change how a daemon is started.
type Options struct {
	// Args are added to the arguments that this package needs, such as
	// --nodetach.
	Args []string

	// Config is the content of bluetoothd's main.conf. The default is an
	// empty file. The other daemons have no such file.
	Config string

	// BlueZ selects a version of bluetoothd. The default is that of the
	// machine; see Versions.
	BlueZ BlueZ
}

// A Daemon is a program in the background. Its methods fail the test if they
// cannot do their work.
type Daemon struct {
	t       testing.TB
	program program
	output  output
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	stopped bool          // the test has ended the process
}

// A program describes how to run a daemon.
type program struct {
	name        string
	pkg         string // of Debian, with the program
	command     []string
	environment []string      // added to that of the test
	before      func()        // prepares the machine
	ready       func(*Daemon) // waits until the daemon is ready
	after       func()        // repairs the machine when the daemon has ended
}

// run starts a daemon and ends it at the end of the test. It skips the test if
// the program is not installed.
func run(t testing.TB, p program) *Daemon {
	t.Helper()
	labtest.RequireRoot(t)
	labtest.Require(t)
	labtest.Program(t, p.command[0], p.pkg)
	d := &Daemon{t: t, program: p}
	t.Cleanup(d.logIfFailed)
	t.Cleanup(d.end)
	d.start()
	return d
}

// start starts the process and waits until it is ready.
func (d *Daemon) start() {
	d.t.Helper()
	if d.program.before != nil {
		d.program.before()
	}
	d.process = exec.Command(d.program.command[0], d.program.command[1:]...)
	d.process.Env = append(os.Environ(), d.program.environment...)
	d.process.Stdout = &d.output
	d.process.Stderr = &d.output
	d.process.WaitDelay = time.Second // for children that have the output open
	if err := d.process.Start(); err != nil {
		d.t.Fatalf("starting %s: %v", d.program.name, err)
	}
	d.stopped = false
	d.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) {
		process.Wait()
		close(ended)
	}(d.process, d.ended)
	d.program.ready(d)
}

// Stop ends the daemon with SIGTERM, as an administrator does, or with SIGKILL
// if it has not ended after 15 s.
func (d *Daemon) Stop() {
	d.t.Helper()
	d.terminate(syscall.SIGTERM)
}

// Kill ends the daemon with SIGKILL, as a crash does.
func (d *Daemon) Kill() {
	d.t.Helper()
	d.terminate(syscall.SIGKILL)
}

// Restart stops the daemon unless it has ended, starts it again with the same
// options, and waits until it is ready.
func (d *Daemon) Restart() {
	d.t.Helper()
	if !d.stopped {
		d.Stop()
	}
	d.start()
}

// Output returns the lines that the daemon has printed since its first start.
func (d *Daemon) Output() string { return d.output.String() }

// PID returns the daemon's process ID.
func (d *Daemon) PID() int { return d.process.Process.Pid }

// terminate ends the process with a signal and repairs the machine.
func (d *Daemon) terminate(signal syscall.Signal) {
	d.t.Helper()
	d.stopped = true
	if d.process == nil || d.process.Process == nil {
		return
	}
	d.process.Process.Signal(signal)
	select {
	case <-d.ended:
	case <-time.After(stopTime):
		d.t.Logf("%s has not ended %v after the signal %v", d.program.name, stopTime, signal)
		d.process.Process.Kill()
		<-d.ended
	}
	if d.program.after != nil {
		d.program.after()
	}
}

// end stops the daemon at the end of the test. A daemon that has ended by
// itself fails the test.
func (d *Daemon) end() {
	if d.stopped || d.ended == nil {
		return
	}
	select {
	case <-d.ended:
		d.t.Errorf("%s ended during the test: %v", d.program.name, d.process.ProcessState)
	default:
	}
	d.Stop()
}

// logIfFailed logs the last lines of the output if the test has failed.
func (d *Daemon) logIfFailed() {
	if !d.t.Failed() {
		return
	}
	lines := strings.SplitAfter(d.output.String(), "\n")
	lines = lines[max(0, len(lines)-loggedLines):]
	d.t.Logf("the output of %s:\n%s", strings.Join(d.program.command, " "), strings.Join(lines, ""))
}

// await waits until holds, which it calls after each line of a source's output:
// that of the daemon itself or of a bus. It fails the test if the daemon ends.
func (d *Daemon) await(what string, source *output, holds func() bool) {
	d.t.Helper()
	timeout := time.After(patience)
	for {
		more := source.more()
		if holds() {
			return
		}
		select {
		case <-more:
		case <-d.ended:
			d.t.Fatalf("%s ended before %s", d.program.name, what)
		case <-timeout:
			d.t.Fatalf("%s: timed out waiting for: %s", d.program.name, what)
		}
	}
}
