package examples_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// programsVariable is the name of the environment variable with the directory
// of the built programs. If it is not set, the tests build them.
const programsVariable = "RFCOMM_EXAMPLES"

// programs is the directory of the programs.
var programs string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	programs = os.Getenv(programsVariable)
	if programs == "" {
		var err error
		if programs, err = os.MkdirTemp("", "examples-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(programs)
		os.Chmod(programs, 0o755) // some tests run a program as another user
		if err := build(programs); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// build builds the programs, with the race detector if the tests use it.
func build(dir string) error {
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	info, _ := debug.ReadBuildInfo()
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	output, err := exec.Command("go", append(args, "./...")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build: %w\n%s", err, output)
	}
	return nil
}

// program returns the path of a built program.
func program(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(programs, name)
}

// A job is a program that runs in the background.
type job struct {
	cmd            *exec.Cmd
	stdout, stderr transcript
	exited         chan struct{}
}

// A setting changes the command of a program before it starts.
type setting func(*exec.Cmd)

// in sets the working directory.
func in(dir string) setting { return func(c *exec.Cmd) { c.Dir = dir } }

// typing sets the text on standard input.
func typing(text string) setting {
	return func(c *exec.Cmd) { c.Stdin = strings.NewReader(text) }
}

// launch starts a program and kills it at the end of the test.
func launch(t *testing.T, name string, args []string, settings ...setting) *job {
	t.Helper()
	j := &job{cmd: exec.Command(program(name), args...), exited: make(chan struct{})}
	j.cmd.Stdout, j.cmd.Stderr = &j.stdout, &j.stderr
	j.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // otherwise each program takes 1 s to end
	for _, set := range settings {
		set(j.cmd)
	}
	if err := j.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		j.cmd.Wait()
		close(j.exited)
	}()
	t.Cleanup(func() {
		j.cmd.Process.Kill()
		<-j.exited
		if t.Failed() {
			t.Logf("%s %q: status %d\n%s%s", name, args, j.cmd.ProcessState.ExitCode(), &j.stdout, &j.stderr)
		}
	})
	return j
}

// await waits until the program has printed a text on standard output.
func (j *job) await(t *testing.T, text string) {
	t.Helper()
	hosttest.Eventually(t, fmt.Sprintf("%q on standard output", text), func() bool {
		return strings.Contains(j.stdout.String(), text) || j.hasExited()
	})
	if !strings.Contains(j.stdout.String(), text) {
		t.Fatalf("it ended without %q", text)
	}
}

func (j *job) hasExited() bool {
	select {
	case <-j.exited:
		return true
	default:
		return false
	}
}

// end waits until the program ends, and checks its exit status.
func (j *job) end(t *testing.T, status int) {
	t.Helper()
	hosttest.Receive(t, j.exited)
	if got := j.cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%s %q: status %d, want %d\n%s", filepath.Base(j.cmd.Path), j.cmd.Args[1:], got, status, &j.stderr)
	}
}

// kill kills the program.
func (j *job) kill(t *testing.T) {
	t.Helper()
	if err := j.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	hosttest.Receive(t, j.exited)
}

// interrupt sends the signal of Ctrl-C.
func (j *job) interrupt(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Go cannot send Ctrl-C to another process on Windows")
	}
	if err := j.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
}

// run runs a program until it ends and checks its exit status.
func run(t *testing.T, status int, name string, args []string, settings ...setting) (stdout, stderr string) {
	t.Helper()
	j := launch(t, name, args, settings...)
	j.end(t, status)
	return j.stdout.String(), j.stderr.String()
}

// A transcript is the output of a program so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// newFile writes a file of random content.
func newFile(t *testing.T, path string, size int) (content []byte) {
	t.Helper()
	content = make([]byte, size)
	var seed [32]byte
	copy(seed[:], path)
	rand.NewChaCha8(seed).Read(content)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return content
}

// checkFile checks a file's content.
func checkFile(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, not the %d that it should have", path, len(got), len(want))
	}
}

// checkFiles checks the names of the files in a directory.
func checkFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
}

// checkText checks that text contains all of want.
func checkText(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

// checkSilent checks that nothing was printed.
func checkSilent(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if text != "" {
			t.Errorf("it printed %q", text)
		}
	}
}

// An example is to be read in a few minutes.
func TestExamplesAreShort(t *testing.T) {
	files, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]int)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		n := bytes.Count(text, []byte("\n"))
		if n > 100 {
			t.Errorf("%s has %d lines, want at most 100", file, n)
		}
		lines[filepath.Dir(file)] += n
	}
	for _, name := range []string{"server", "client"} { // of the article
		if lines[name] == 0 || lines[name] > 100 {
			t.Errorf("%s has %d lines, want at most 100", name, lines[name])
		}
	}
}
