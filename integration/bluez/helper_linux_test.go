package bluez_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// An air is a radio whose controllers one bluetoothd owns.
type air struct {
	*rfcommtest.Radio

	// near and far are the first two controllers. Tests search and dial from
	// near. If there is one controller, far is nil.
	near, far *rfcommtest.Controller

	bluetoothd *daemons.Daemon
}

// pageTimeout is the time for which a page waits. It is shorter than that of the
// kernel, but long enough for a bluetoothd that has just paired to turn page scan
// on.
const pageTimeout = time.Second

// forEachBlueZ runs a test for each version of bluetoothd, on two controllers that
// answer pages. It skips the test outside of the lab and without root.
func forEachBlueZ(t *testing.T, test func(t *testing.T, a *air)) {
	t.Helper()
	requireLab(t)
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			test(t, newAir(t, rfcommtest.Config{}, daemons.Options{BlueZ: version}))
		})
	}
}

// requireLab skips a test outside of the lab and without root.
func requireLab(t testing.TB) {
	t.Helper()
	labtest.RequireRoot(t)
	labtest.Require(t)
}

// newAir makes controllers and starts bluetoothd. Both end with the test. Until
// then, the lab's own adapters are unplugged, so bluetoothd has the controllers
// alone.
func newAir(t testing.TB, radio rfcommtest.Config, options daemons.Options) *air {
	t.Helper()
	requireLab(t)
	lab := labtest.Require(t)
	lab.Unplug()
	a := &air{Radio: rfcommtest.Require(t, radio)}
	for i, c := range a.Controllers() {
		c.SetPageTimeout(pageTimeout)
		switch i {
		case 0:
			a.near = c
		case 1:
			a.far = c
		}
	}
	a.bluetoothd = daemons.Bluetoothd(t, options)
	t.Cleanup(lab.Plug) // package daemons expects the adapters when it ends bluetoothd
	return a
}

// A process is a program of programs that runs as user nobody.
type process struct {
	t       testing.TB
	command *exec.Cmd
	stdin   io.Closer
	lines   chan string // of its standard output, closed at its end
	stderr  bytes.Buffer
	ended   bool
}

// startAsNobody starts a program as user nobody. It ends with the test.
func startAsNobody(t testing.TB, words ...string) *process {
	t.Helper()
	p := &process{t: t, command: labtest.AsNobody(t), lines: make(chan string, 100)}
	p.command.Env = append(os.Environ(), programVariable+"="+strings.Join(words, "\n"))
	p.command.Stderr = &p.stderr
	stdin, err := p.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
		close(p.lines)
	}()
	t.Cleanup(func() { p.end() })
	return p
}

// line waits for the next line that the process prints. No program prints an empty
// one.
func (p *process) line() string {
	p.t.Helper()
	line := hosttest.Receive(p.t, p.lines)
	if line == "" {
		p.t.Fatalf("the process has ended: %s", p.end())
	}
	return line
}

// wantLine waits for the next line and compares it.
func (p *process) wantLine(want string) {
	p.t.Helper()
	if got := p.line(); got != want {
		p.t.Fatalf("the process prints %q, want %q", got, want)
	}
}

// end closes the standard input of the process, waits for its end, and returns
// what it has printed to its standard error.
func (p *process) end() string {
	p.t.Helper()
	if !p.ended {
		p.ended = true
		p.stdin.Close()
		for range p.lines {
		}
		p.command.Wait()
	}
	return p.stderr.String()
}
