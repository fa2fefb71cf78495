//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// completes runs the program in a directory, and checks its exit status.
func completes(t *testing.T, status int, directory string, stdout io.Writer, arguments ...string) (stderr string) {
	t.Helper()
	c := program(t, arguments...)
	var complaints bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = directory, stdout, &complaints
	if got := exitStatus(t, c.Run()); got != status {
		t.Errorf("%q: status %d, want %d\n%s", arguments, got, status, &complaints)
	}
	return complaints.String()
}

func TestServeOverTCP(t *testing.T) {
	files, local := t.TempDir(), t.TempDir()
	content := strings.Repeat("0123456789", 1_000_000)
	write(t, content, files, "a b")
	j, address, complaints := launchServer(t, "serve", files, "--uploads")
	completes(t, 0, local, nil, "get", "a b", "--tcp", address)
	wantFile(t, content, local, "a b")
	completes(t, 0, local, nil, "put", "a b", "-o", "c", "--tcp", address)
	wantFile(t, content, files, "c")
	var stdout bytes.Buffer
	completes(t, 0, local, &stdout, "ls", "--tcp", address)
	wantParts(t, stdout.String(), "  10000000  a b\n", "  10000000  c\n")
	wantError(t, completes(t, statusNotFound, local, nil, "stat", "missing", "--tcp", address), "missing")
	if full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0); err == nil {
		defer full.Close()
		for _, words := range [][]string{{"ls"}, {"ls", "--json"}, {"stat", "c"}, {"get", "c", "-o", "-"}} {
			wantError(t, completes(t, statusOther, local, full, append(words, "--tcp", address)...), "no space left")
		}
	}
	j.Process.Signal(syscall.SIGINT)
	log, _ := io.ReadAll(complaints)
	wantParts(t, string(log), "serving "+files+", and storing files in it", "  sent a b  10.0 MB  in ", "  received c  10.0 MB  in ", "\nrfcommctl: interrupted\n")
	j.ends(t, 130)
}

// A client that stays connected without a request does not keep serve from ending,
// nor does a second signal have to be sent.
func TestServeEndsOnSignals(t *testing.T) {
	j, address, complaints := launchServer(t, "serve", t.TempDir())
	conn := dialTCP(t, address)
	if _, err := io.ReadFull(conn, make([]byte, len("Enter the file name"))); err != nil {
		t.Fatal(err)
	}
	j.Process.Signal(syscall.SIGTERM)
	log, _ := io.ReadAll(complaints)
	wantParts(t, string(log), "rfcommctl: ended by a signal: terminated\n")
	j.ends(t, 143)
}

// The path is absolute wherever serve was started.
func TestServeNamesWholePath(t *testing.T) {
	parent, err := filepath.EvalSymlinks(t.TempDir())
	if err == nil {
		err = os.Mkdir(filepath.Join(parent, "files"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(parent)
	j, _, complaints := launchServer(t, "serve", "./files/")
	line, _ := complaints.ReadString('\n')
	wantError(t, line, "serving "+filepath.Join(parent, "files")+", which nobody can change (see --uploads)\n")
	j.Process.Signal(syscall.SIGINT)
	io.Copy(io.Discard, complaints)
	j.ends(t, 130)
}
