package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// startSpeed starts a client, with its standard error.
func startSpeed(t *testing.T, arguments ...string) (c *exec.Cmd, stdout *strings.Builder, errors *bufio.Reader) {
	t.Helper()
	c, stdout = program(t, append([]string{"speed"}, arguments...)...), new(strings.Builder)
	c.Stdout = stdout
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, stdout, bufio.NewReader(stderr)
}

// On a pipe there is a summary, and nothing else. The server serves one client
// after the other.
func TestSpeedServesOverTCP(t *testing.T) {
	server, address, errors := startListening(t, "speed", "--serve", "--tcp", "127.0.0.1:0")
	for range 2 {
		stdout, stderr := checked(t, 0, "", program(t, "speed", "--tcp", address, "-t", "1s", "--interval", "100ms"))
		wantParts(t, stdout, "round trip  min ", "\nsend        ", "\nreceive     ", "\nboth        send ", "bit/s")
		if stderr != "" || strings.Contains(stdout, "ceiling") {
			t.Errorf("it printed %q, %q", stdout, stderr)
		}
		awaitLine(t, errors, ": received ")
	}
	server.Process.Signal(os.Interrupt)
	if status := exitStatus(t, server.Wait()); status != 130 {
		t.Errorf("the server's status is %d", status)
	}
}

// The objects are those that the help describes.
func TestSpeedJSONFieldsAreStable(t *testing.T) {
	_, address, _ := startListening(t, "speed", "--serve", "--tcp", "127.0.0.1:0")
	stdout, _ := checked(t, 0, "", program(t, "speed", "--tcp", address, "-t", "2s", "--interval", "100ms", "--json"))
	want := map[string]string{
		"connected": "peer string, seconds number, type string",
		"interval":  "receive? object, seconds number, send? object, test string, type string",
		"summary":   "both object, losses number, receive object, round_trip object, seconds number, send object, type string",
	}
	for kind, fields := range want {
		var lines []string
		for line := range strings.Lines(stdout) {
			if strings.HasPrefix(line, `{"type":"`+kind+`"`) {
				lines = append(lines, line)
			}
		}
		if got := fieldsOf(t, strings.Join(lines, "")); got != fields {
			t.Errorf("%s has the fields\n%s, want\n%s", kind, got, fields)
		}
	}
	for _, word := range []string{
		"type", "seconds", "peer", "test", "send", "receive", "both", "bytes", "kbit_per_s", "share", "rssi", "link_quality", "reason",
		"interval", "lost", "gap", "connected", "summary", "round_trip", "count", "min_ms", "median_ms", "p95_ms", "max_ms",
		"ceiling", "packets", "one_way_kbit_per_s", "both_ways_kbit_per_s", "assumed", "echo", "min", "max", "losses",
	} {
		wantParts(t, speedJSONHelp, word)
	}
}

// Ctrl-C ends a test without limit, with a summary.
func TestSpeedInterruptPrintsSummary(t *testing.T) {
	_, address, _ := startListening(t, "speed", "--serve", "--tcp", "127.0.0.1:0")
	c, stdout, errors := startSpeed(t, "--tcp", address, "-t", "0", "-v", "--interval", "100ms")
	awaitLine(t, errors, " s, send ")
	c.Process.Signal(os.Interrupt)
	rest, _ := io.ReadAll(errors)
	if status := exitStatus(t, c.Wait()); status != 130 || !strings.HasSuffix(string(rest), "rfcommctl: interrupted\n") {
		t.Errorf("status %d: %s", status, rest)
	}
	wantParts(t, stdout.String(), "both        send ")
}

// serveSpeedOnce is a speed server for one connection, which it returns.
func serveSpeedOnce(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	conn := accept(t, l)
	go speed.Serve(t.Context(), conn, 0)
	return conn
}

func TestSpeedKeepConnectsAgain(t *testing.T) {
	l, address := listenTCP(t)
	c, stdout, errors := startSpeed(t, "--tcp", address, "-t", "0", "--keep", "-v", "--json", "--interval", "100ms")
	for range 2 {
		conn := serveSpeedOnce(t, l)
		awaitLine(t, errors, ", receive ")
		conn.Close()
		awaitLine(t, errors, "the connection is lost: ")
	}
	awaitLine(t, errors, "no connection")
	c.Process.Signal(os.Interrupt)
	io.Copy(io.Discard, errors)
	if status := exitStatus(t, c.Wait()); status != 130 {
		t.Errorf("status %d", status)
	}
	wantParts(t, stdout.String(), `{"type":"lost"`, `{"type":"gap"`, `{"type":"connected"`, `"losses":2`)
}

// Without --keep, a lost connection ends the test, after a summary.
func TestSpeedLossEndsTest(t *testing.T) {
	l, address := listenTCP(t)
	c, stdout, errors := startSpeed(t, "--tcp", address, "-t", "0", "-v", "--interval", "100ms")
	conn := serveSpeedOnce(t, l)
	awaitLine(t, errors, ", receive ")
	conn.Close()
	rest, _ := io.ReadAll(errors)
	if status := exitStatus(t, c.Wait()); status != statusBusy {
		t.Errorf("status %d\n%s", status, rest)
	}
	wantParts(t, stdout.String(), "both        send ")
}

func TestSpeedNamesOtherService(t *testing.T) {
	l, address := listenTCP(t)
	c, stdout, errors := startSpeed(t, "--tcp", address)
	received := hosttest.InBackground(func() string {
		conn, err := l.Accept()
		if err != nil {
			return err.Error()
		}
		io.WriteString(conn, "220 mail\r\n")
		data, _ := io.ReadAll(conn)
		return string(data)
	})
	rest, _ := io.ReadAll(errors)
	wantError(t, string(rest), address, "not a speed server", `run "rfcommctl speed --serve" there`, "--echo")
	if status := exitStatus(t, c.Wait()); status != statusNotFound || stdout.Len() > 0 {
		t.Errorf("status %d, %q", status, stdout)
	}
	if data := hosttest.Receive(t, received); data != "" {
		t.Errorf("the service received %q", data)
	}
}
