package labscript

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var machine = flag.Bool("machine", false, "also run the tests that start virtual machines")

// A result is that of a run of bash.
type result struct {
	status         int
	stdout, stderr string
}

// A host is a machine that a script runs on: this one, with changes.
type host struct {
	path        string   // the directories of its programs
	environment []string // variables in addition to those of this process
}

// standIns returns a directory of programs. The text of each is that of a shell
// script.
func standIns(t *testing.T, programs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// beside returns the host that finds programs in a directory first, and then
// those of this machine.
func beside(dir string) host {
	return host{path: dir + string(os.PathListSeparator) + os.Getenv("PATH")}
}

// debian returns a host that can run the lab, whatever this machine is: it has
// the programs, and stand-ins for the others that it needs.
func debian(t *testing.T, programs map[string]string) host {
	t.Helper()
	dir := standIns(t, programs)
	others := map[string]string{"uname": uname("Linux", "x86_64")}
	for _, name := range []string{"dpkg", "apt-get", "apt-cache"} {
		if _, err := exec.LookPath(name); err != nil {
			others[name] = "exit 1"
		}
	}
	h := host{path: dir + string(os.PathListSeparator) + beside(standIns(t, others)).path}
	if old := h.bash(t, "-c", ". lab/support.sh; support_bash"); old.stdout != "" {
		t.Skip(old.stdout)
	}
	return h
}

// only returns the host that has the programs of a directory and, of this
// machine's, the named ones.
func only(t *testing.T, dir string, names ...string) host {
	t.Helper()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return host{path: dir}
}

// bash runs bash with arguments, in the root of the module.
func (h host) bash(t *testing.T, arguments ...string) result {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bash, arguments...)
	cmd.Dir = root
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), "PATH="+h.path)
	cmd.Env = append(cmd.Env, h.environment...)
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// check fails the test unless a script has ended with a status and has printed
// one line to its standard error for each text, which contains the text.
func (r result) check(t *testing.T, status int, texts ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	if r.stderr == "" {
		lines = nil
	}
	matching := len(lines) == len(texts)
	for i := range min(len(lines), len(texts)) {
		matching = matching && strings.Contains(lines[i], texts[i])
	}
	if r.status != status || !matching {
		t.Errorf("status %d, stderr:\n%s\nwant status %d and %d lines that contain %q", r.status, r.stderr, status, len(texts), texts)
	}
}
