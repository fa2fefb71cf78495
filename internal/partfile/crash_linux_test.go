package partfile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// childEnv is set in the environment of child processes. They run this test
// program again, and the variable holds their arguments.
const childEnv = "PARTFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	if args := os.Getenv(childEnv); args != "" {
		if err := child(strings.Split(args, " ")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// pieces is the number of pieces in which a child receives the content.
const pieces = 5

// child receives the file "a" in its working directory and prints a line after
// each step. The first argument is the number of the line after which it stops.
// Further arguments are "mode=…", "replace", "nolinks" and "limit=…", the
// maximum size of a file in bytes.
func child(args []string) error {
	stopAt, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	mode, replace := fs.FileMode(0o644), false
	for _, arg := range args[1:] {
		key, value, _ := strings.Cut(arg, "=")
		switch number, _ := strconv.ParseUint(value, 0, 32); key {
		case "mode":
			mode = fs.FileMode(number)
		case "replace":
			replace = true
		case "nolinks":
			link = func(*os.Root, string, string) error { return unix.EPERM }
		case "limit":
			signal.Ignore(unix.SIGXFSZ)
			if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: number, Max: number}); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown argument %q", arg)
		}
	}
	lines := 0
	step := func(what string) {
		fmt.Println(what)
		if lines++; lines == stopAt {
			os.Stdin.Read(make([]byte, 1)) // blocks until the child is killed or the test ends
			os.Exit(1)
		}
	}
	stopAround(step)

	root, err := os.OpenRoot(".")
	if err != nil {
		return err
	}
	f, err := Open(root, "a", replace)
	if err != nil {
		return err
	}
	step("opened")
	has := int(f.Size())
	if err := f.Begin(mode, f.Size()); err != nil {
		return err
	}
	step(fmt.Sprintf("has %d", has))
	for has < len(content) {
		n, err := f.Write(content[has:min(has+len(content)/pieces, len(content))])
		has += n
		step(fmt.Sprintf("has %d", has))
		if err != nil {
			f.Close()
			return fmt.Errorf("wrote %d: %w", n, err)
		}
	}
	if err := f.Commit(at); err != nil {
		return err
	}
	step("committed")
	return f.Close()
}

// stopAround calls step before and after each operation of Commit.
func stopAround(step func(string)) {
	around := func(what string, do func() error) error {
		step("before " + what)
		defer step("after " + what)
		return do()
	}
	realLink, realRename, realChtimes, realChmod := link, rename, chtimes, chmod
	link = func(dir *os.Root, from, to string) error {
		return around("link", func() error { return realLink(dir, from, to) })
	}
	rename = func(dir *os.Root, from, to string) error {
		return around("rename", func() error { return realRename(dir, from, to) })
	}
	chtimes = func(dir *os.Root, name string, modTime time.Time) error {
		return around("chtimes", func() error { return realChtimes(dir, name, modTime) })
	}
	chmod = func(file *os.File, mode fs.FileMode) error {
		return around("chmod", func() error { return realChmod(file, mode) })
	}
}

// start starts a child in the directory.
func (d directory) start(args ...string) (cmd *exec.Cmd, lines *bufio.Scanner) {
	d.Helper()
	self, err := os.Executable()
	d.must(err)
	cmd = exec.Command(self)
	cmd.Dir = d.path
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, " "),
		"GORACE=atexit_sleep_ms=0") // the race detector makes it sleep for a second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	d.must(err)
	_, err = cmd.StdinPipe()
	d.must(err)
	d.must(cmd.Start())
	return cmd, bufio.NewScanner(out)
}

// kill starts a child, kills it at its nth line and returns all its lines. If
// stopped is true, the child waits at that line; otherwise it continues until
// the signal arrives.
func (d directory) kill(n int, stopped bool, args ...string) (lines []string) {
	d.Helper()
	stopAt := 0
	if stopped {
		stopAt = n
	}
	cmd, out := d.start(append([]string{strconv.Itoa(stopAt)}, args...)...)
	for out.Scan() {
		lines = append(lines, out.Text())
		if len(lines) == n {
			d.must(cmd.Process.Kill())
		}
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.Sys().(syscall.WaitStatus).Signal() != unix.SIGKILL) {
		d.Fatalf("the child ended with %v after %q", err, lines)
	}
	return lines
}

func TestOpenResumesAfterKill(t *testing.T) {
	for name, args := range map[string][]string{
		"new":                     {"mode=0644"},
		"new without links":       {"mode=0644", "nolinks"},
		"new to read only":        {"mode=0444"},
		"replacing":               {"mode=0644", "replace"},
		"replacing, private":      {"mode=0400", "replace"},
		"continued":               {"mode=0644"},
		"continued with less":     {"mode=0400"},
		"continued and replacing": {"mode=0644", "replace"},
	} {
		for _, stopped := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, stopped=%v", name, stopped), func(t *testing.T) {
				t.Parallel()
				var lines []string
				for n := 1; ; n++ {
					d := newDirectory(t)
					old := strings.Contains(name, "replacing")
					if old {
						d.writeFile("a", "old")
					}
					if strings.Contains(name, "continued") {
						d.leavePart("a", string(content[:33_333]))
					}
					if lines = d.kill(n, stopped, args...); len(lines) < n {
						break // the child finished before line n
					}
					d.wantOldOrWhole(lines, old)
					d.finish(lines, old)
				}
				if len(lines) < 5 || lines[len(lines)-1] != "committed" {
					t.Errorf("a child that was not killed printed %q", lines)
				}
			})
		}
	}
}

// wantOldOrWhole checks that the file a killed child left is either the old one
// or complete. The lines are the child's output.
func (d directory) wantOldOrWhole(lines []string, old bool) {
	d.Helper()
	got, err := d.root.ReadFile("a")
	switch {
	case string(got) == string(content):
	case old && string(got) == "old":
	case !old && errors.Is(err, fs.ErrNotExist):
	default:
		d.Fatalf("after %q there is a file of %d bytes, %v", lines, len(got), err)
	}
	// Without these bits, a user other than root could not open it again.
	if info, err := d.root.Lstat("a.part"); err == nil && info.Mode()&0o600 != 0o600 {
		d.Errorf("after %q the part file has the mode %v", lines, info.Mode())
	}
}

// finish resumes and completes the transfer of a killed child. The lines are
// the child's output.
func (d directory) finish(lines []string, old bool) {
	d.Helper()
	f, err := Open(d.root, "a", old)
	if !old && errors.Is(err, fs.ErrExist) {
		d.wantFiles(map[string]string{"a": string(content)})
		return
	}
	if err != nil {
		d.Fatalf("after %q: %v", lines, err)
	}
	defer f.Close()
	size := f.Size()
	if placed, _ := d.root.ReadFile("a"); string(placed) != string(content) && size < written(lines) {
		d.Errorf("after %q only %d bytes are left", lines, size)
	}
	fed := &recorder{}
	d.must(f.Hash(d.Context(), fed))
	if fed.String() != string(content[:size]) {
		d.Errorf("after %q the %d bytes that are left are others", lines, size)
	}
	d.must(f.Begin(0o644, size))
	d.write(f, string(content[size:]))
	d.must(f.Commit(at))
	d.wantFiles(map[string]string{"a": string(content)})
}

// written returns the number of bytes that a child reported last.
func written(lines []string) (n int64) {
	for _, line := range lines {
		fmt.Sscanf(line, "has %d", &n)
	}
	return n
}

// A recorder is a hash that keeps the bytes written to it.
type recorder struct {
	unusedHash
	strings.Builder
}

func (r *recorder) Reset()                      { r.unusedHash.Reset() }
func (r *recorder) Write(p []byte) (int, error) { return r.Builder.Write(p) }

func TestOpenReturnsErrBusyAcrossProcesses(t *testing.T) {
	d := newDirectory(t)
	early := d.open("a", false) // before there is a part file to lock
	cmd, lines := d.start("3")
	for n := 0; n < 3; n++ {
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
	}
	d.wantOpenError("a", ErrBusy)
	d.wantError(early.Begin(0o644, 0), ErrBusy)
	d.must(early.Discard())
	d.wantFiles(map[string]string{"a.part": string(content[:len(content)/pieces])})

	d.must(cmd.Process.Kill())
	cmd.Wait() // killed
	d.finish(nil, false)
}

// A limit of the file size simulates a full disk: the first part of a write
// succeeds, and the rest fails.
func TestWriteKeepsDataWhenDiskIsFull(t *testing.T) {
	d := newDirectory(t)
	d.writeFile("a", "old")
	const limit = 50_001
	cmd, out := d.start("0", "replace", fmt.Sprintf("limit=%d", limit))
	var lines []string
	for out.Scan() {
		lines = append(lines, out.Text())
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child succeeded")
	}
	last := lines[len(lines)-1]
	if !strings.Contains(last, unix.EFBIG.Error()) || !strings.HasPrefix(last, fmt.Sprintf("wrote %d: ", limit-2*len(content)/pieces)) {
		t.Errorf("the child said %q", lines)
	}
	d.wantFiles(map[string]string{"a": "old", "a.part": string(content[:limit])})
	d.finish(lines, true)
}

func TestCloseRemovesEmptyPartOnFullDisk(t *testing.T) {
	d := newDirectory(t)
	cmd, out := d.start("0", "limit=0")
	for out.Scan() {
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child succeeded")
	}
	d.wantFiles(map[string]string{})
}
