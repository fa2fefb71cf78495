package programs

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A Process is a running program.
type Process struct {
	t       testing.TB
	command *exec.Cmd
	stdin   io.Closer
	lines   chan string // of its standard output, closed at its end
	stderr  bytes.Buffer
	ended   bool
}

// Start starts a program: its name and arguments, none of which has more than
// one line. The command runs this test binary, such as that of labtest.AsNobody
// or of Self. The program ends with the test.
func Start(t testing.TB, command *exec.Cmd, words ...string) *Process {
	t.Helper()
	p := &Process{t: t, command: command, lines: make(chan string, 1000)}
	// Without GORACE, the race detector would wait for 1 s at the end.
	command.Env = append(os.Environ(), variable+"="+strings.Join(words, "\n"), "GORACE=atexit_sleep_ms=0")
	command.Stderr = &p.stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin = stdin
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go p.scan(stdout)
	t.Cleanup(func() { p.End() })
	return p
}

// Self returns a command that runs this test binary as the current user.
func Self(t testing.TB) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path)
}

func (p *Process) scan(stdout io.Reader) {
	for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
		p.lines <- scanner.Text()
	}
	close(p.lines)
}

// Line waits for the next line that the program prints. Programs print no empty
// lines.
func (p *Process) Line() string {
	p.t.Helper()
	line := hosttest.Receive(p.t, p.lines)
	if line == "" {
		p.t.Fatalf("the program has ended: %s", p.End())
	}
	return line
}

// WantLine waits for the next line and compares it.
func (p *Process) WantLine(want string) {
	p.t.Helper()
	if got := p.Line(); got != want {
		p.t.Fatalf("the program prints %q, want %q", got, want)
	}
}

// End closes the program's standard input, waits for its end, and returns the
// text that it has printed to its standard error.
func (p *Process) End() string {
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

// Kill kills the program with SIGKILL and waits for its end.
func (p *Process) Kill() {
	p.t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	p.End()
}
