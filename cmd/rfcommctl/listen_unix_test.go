//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez"
)

// launchListen starts "listen" on a free TCP port, and returns its address.
func launchListen(t *testing.T, arguments ...string) (j *job, address string, complaints *bufio.Reader) {
	t.Helper()
	return launchServer(t, append([]string{"listen"}, arguments...)...)
}

// launchServer starts a command that listens on a free TCP port, and returns its
// address.
func launchServer(t *testing.T, arguments ...string) (j *job, address string, complaints *bufio.Reader) {
	t.Helper()
	j = &job{Cmd: program(t, append(arguments, "--tcp", "127.0.0.1:0")...)}
	var err error
	if j.input, err = j.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if j.output, err = j.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	stderr, err := j.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(); err != nil {
		t.Fatal(err)
	}
	complaints = bufio.NewReader(stderr)
	if _, err := fmt.Fscanf(complaints, "rfcommctl: listening on %s\n", &address); err != nil {
		t.Fatal(err)
	}
	return j, address, complaints
}

// ask sends a text and returns the answer, up to the end of the connection.
func ask(t *testing.T, address, question string) string {
	t.Helper()
	conn := dialTCP(t, address)
	fmt.Fprint(conn, question)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// The end of standard input does not end the connection, nor the wait for it.
func TestListenOverTCP(t *testing.T) {
	j, address, _ := launchListen(t)
	j.input.Close()
	conn := dialTCP(t, address)
	for _, text := range []string{"first", "second"} {
		fmt.Fprint(conn, text)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(j.output, got); err != nil || string(got) != text {
			t.Fatalf("it printed %q, %v", got, err)
		}
	}
	if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("another device dials: %v", err)
	}
	conn.Close()
	j.ends(t, 0)
}

func TestListenEndsOnSignals(t *testing.T) {
	for number, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		for _, connected := range []bool{false, true} {
			j, address, complaints := launchListen(t)
			if connected {
				fmt.Fprint(dialTCP(t, address), "x")
				if _, err := io.ReadFull(j.output, make([]byte, 1)); err != nil {
					t.Fatal(err)
				}
			}
			j.Process.Signal(number)
			rest, _ := io.ReadAll(complaints)
			wantError(t, string(rest))
			j.ends(t, status)
		}
	}
}

// While the command of one device runs, that of another one starts.
func TestListenKeepRunsCommands(t *testing.T) {
	j, address, complaints := launchListen(t, "--keep", "--exec", `echo ready; read word; echo "$word"; exit 3`)
	first := dialTCP(t, address)
	if _, err := io.ReadFull(first, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if answer := ask(t, address, "second\n"); answer != "ready\nsecond\n" {
		t.Errorf("the second device received %q", answer)
	}
	line, err := complaints.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, line, "connection from 127.0.0.1:", "exit status 3")
	fmt.Fprintln(first, "first")
	if answer, err := io.ReadAll(first); err != nil || string(answer) != "first\n" {
		t.Errorf("the first device received %q, %v", answer, err)
	}
	complaints.ReadString('\n')
	waiting := dialTCP(t, address)
	if _, err := io.ReadFull(waiting, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	j.Process.Signal(syscall.SIGTERM)
	if rest, _ := io.ReadAll(complaints); strings.Count(string(rest), "\n") != 1 {
		t.Errorf("it printed %q", rest)
	}
	j.ends(t, 143)
}

// An unpaired device can have an encrypted link without a question to anyone.
func TestListenExecRefusesStrangers(t *testing.T) {
	const remedy = "it is not paired: use rfcommctl pair 00:AA:01:00:00:02, or serve every device with --security medium\n"
	for _, tt := range []struct {
		flags   string
		bondErr error
		served  string   // received by the unpaired device
		refused []string // parts of the line about it
	}{
		{"", nil, "", []string{"rfcommctl: 00:AA:01:00:00:02 is refused: " + remedy}},
		{"--publish Clock", nil, "", []string{remedy}},
		{"--security medium", nil, "secret\n", nil},
		{"", bluez.ErrNoBus, "secret\n", nil},
		{"", bluez.ErrNoDaemon, "secret\n", nil},
		{"-t 1s", bluez.ErrDenied, "", []string{"00:AA:01:00:00:02 is refused: ", bluez.ErrDenied.Error()}},
	} {
		f := newFake(t)
		f.bondErr = tt.bondErr
		stranger, received := client("", len("secret\n"))
		known, _ := client("", len("secret\n"))
		f.clients = []net.Conn{addressed{stranger, scannerAddr}, addressed{known, printerAddr}}
		status := 0
		if tt.bondErr == bluez.ErrDenied {
			status = statusBusy // it refuses both, and waits in vain
		}
		_, stderr := f.runs(t, status, append(strings.Fields("listen "+tt.flags), "--exec", "echo secret")...)
		if got := <-received; got != tt.served {
			t.Errorf("%s, %v: the stranger received %q", tt.flags, tt.bondErr, got)
		}
		wantParts(t, stderr, tt.refused...)
		if tt.refused == nil && strings.Contains(stderr, "refused") {
			t.Errorf("%s, %v: stderr %q", tt.flags, tt.bondErr, stderr)
		}
	}
}

// The program ends after its commands, which can tidy up.
func TestListenKeepAwaitsCommands(t *testing.T) {
	j, address, complaints := launchListen(t, "--keep", "--exec", `trap "sleep 0.2; echo tidy >&2; exit" TERM; echo ready; while :; do sleep 0.01; done`)
	if _, err := io.ReadFull(dialTCP(t, address), make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	j.Process.Signal(syscall.SIGINT)
	line, err := complaints.ReadString('\n')
	if line != "tidy\n" {
		t.Errorf("it printed %q, %v", line, err)
	}
	io.Copy(io.Discard, complaints)
	j.ends(t, 130)
}

// The program ends when the reader of its output does, even if no device
// connects.
func TestListenEndsWithReader(t *testing.T) {
	for _, keep := range []string{"--keep", "--keep=false"} {
		j, address, complaints := launchListen(t, keep)
		j.output.Close()
		if runtime.GOOS != "linux" { // there, the program notices by itself
			fmt.Fprint(dialTCP(t, address), "data")
		}
		if rest, _ := io.ReadAll(complaints); len(rest) > 0 {
			t.Errorf("it printed %q", rest)
		}
		j.ends(t, 0)
	}
}

func TestListenNamesTakenPort(t *testing.T) {
	_, address := listenTCP(t)
	j := launch(t, "listen", "--tcp", address)
	j.ends(t, statusBusy)
	wantError(t, j.errors.String(), address, "address already in use", "another program has the port; use another one, or 0")
}
