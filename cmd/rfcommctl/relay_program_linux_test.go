package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// wantTyped waits until a terminal has received a text.
func wantTyped(t *testing.T, terminal *hosttest.Terminal, text string) {
	t.Helper()
	hosttest.Eventually(t, text, func() bool { return strings.Contains(terminal.String(), text) })
}

// The port is a pseudo terminal.
func TestRelayOverTCP(t *testing.T) {
	l, address := listenTCP(t)
	terminal := hosttest.OpenTerminal(t)
	j := launch(t, "relay", "--tcp", address, terminal.Slave.Name(), "-v")
	conn := accept(t, l)
	fmt.Fprint(conn, "question"+awkward)
	wantTyped(t, terminal, "question"+awkward) // before, the relay discards what the port sends
	terminal.Type(t, "answer\n")
	got := make([]byte, len("answer\n"))
	read := hosttest.InBackground(func() error { _, err := io.ReadFull(conn, got); return err })
	if err := hosttest.Receive(t, read); err != nil || string(got) != "answer\n" {
		t.Errorf("the device received %q, %v", got, err)
	}
	conn.Close()
	j.ends(t, 0)
	wantParts(t, j.errors.String(), "Connected to "+address, "sent 7 bytes, received 18\n")
}

// listeningRelay starts a relay of a terminal that accepts TCP connections, and
// returns its address and its later errors.
func listeningRelay(t *testing.T, terminal *hosttest.Terminal, arguments ...string) (c *exec.Cmd, address string, lines *bufio.Reader) {
	t.Helper()
	return startListening(t, append([]string{"relay", "--listen", "--tcp", "127.0.0.1:0", terminal.Slave.Name()}, arguments...)...)
}

func TestRelayServesOneDevice(t *testing.T) {
	terminal := hosttest.OpenTerminal(t)
	c, address, lines := listeningRelay(t, terminal)
	conn := dialTCP(t, address)
	fmt.Fprint(conn, "data")
	wantTyped(t, terminal, "data")
	if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("another device dials: %v", err)
	}
	conn.Close()
	rest, _ := io.ReadAll(lines)
	if status := exitStatus(t, c.Wait()); status != 0 || len(rest) > 0 {
		t.Errorf("status %d: %s", status, rest)
	}
}

// One device is served at a time; others wait.
func TestRelayListensOverTCP(t *testing.T) {
	terminal := hosttest.OpenTerminal(t)
	c, address, lines := listeningRelay(t, terminal, "--keep")
	first, second := dialTCP(t, address), dialTCP(t, address)
	fmt.Fprint(second, "two ")
	fmt.Fprint(first, "one ")
	wantTyped(t, terminal, "one ")
	first.Close()
	wantTyped(t, terminal, "one two ")
	c.Process.Signal(syscall.SIGTERM)
	rest, _ := io.ReadAll(lines)
	if status := exitStatus(t, c.Wait()); status != 143 {
		t.Errorf("status %d, want 143", status)
	}
	if want := "rfcommctl: the device closed the connection\nrfcommctl: ended by a signal: terminated\n"; string(rest) != want {
		t.Errorf("it printed %q, want %q", rest, want)
	}
}

func TestRelayNamesWrongPort(t *testing.T) {
	_, address := listenTCP(t)
	for name, tt := range map[string]struct {
		status int
		part   string
	}{
		"/dev/ttyNOTHING": {statusNotFound, "/dev/ttyNOTHING"},
		os.DevNull:        {statusOther, os.DevNull},
	} {
		j := launch(t, "relay", "--tcp", address, name)
		j.ends(t, tt.status)
		wantError(t, j.errors.String(), tt.part)
	}
}
