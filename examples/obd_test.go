package examples_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// An elm327 is a scripted adapter for a car's diagnostic socket.
type elm327 struct {
	greeting string              // sent before the first command
	replies  map[string][]string // by command; the last reply is repeated
	slow     bool                // sends one byte at a time
}

// newELM327 returns an adapter whose replies to the command for the engine's
// speed are those given. It has an echo until it is switched off.
func newELM327(speeds ...string) *elm327 {
	return &elm327{replies: map[string][]string{
		"ATZ":  {"ATZ\r\r\rELM327 v1.5\r\r>"},
		"ATE0": {"ATE0\rOK\r\r>"},
		"010C": speeds,
	}}
}

// serve answers the commands of a client. It hangs up at a command without a
// reply.
func (e *elm327) serve(conn net.Conn) {
	defer conn.Close()
	e.send(conn, e.greeting)
	given := make(map[string]int)
	for commands := bufio.NewReader(conn); ; {
		line, err := commands.ReadString('\r')
		command := strings.TrimSuffix(line, "\r")
		replies := e.replies[command]
		if err != nil || len(replies) == 0 {
			return
		}
		e.send(conn, replies[min(given[command], len(replies)-1)])
		given[command]++
	}
}

func (e *elm327) send(conn net.Conn, text string) {
	if !e.slow {
		io.WriteString(conn, text)
		return
	}
	for i := range len(text) {
		io.WriteString(conn, text[i:i+1])
	}
}

// listen serves clients over TCP until the test ends, and returns the address.
func (e *elm327) listen(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.serveAll(t, listener)
	return listener.Addr().String()
}

// serveAll serves the clients of a listener, one after the other, until the test
// ends.
func (e *elm327) serveAll(t *testing.T, listener net.Listener) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			e.serve(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
}

func TestObdPrintsSpeed(t *testing.T) {
	// The reply 1A F8 is 6904 quarters of a revolution per minute.
	for name, elm := range map[string]*elm327{
		"plain":            newELM327("41 0C 1A F8 \r\r>"),
		"searching":        newELM327("SEARCHING...\r41 0C 1A F8 \r\r>"),
		"without spaces":   newELM327("410C1AF8\r\r>"),
		"line feeds":       newELM327("\r\n41 0C 1A F8\r\n\r\n>"),
		"zeros in between": newELM327("\x0041 0C \x001A F8 \r\x00\r>"),
		"with headers":     newELM327("7E8 04 41 0C 1A F8 \r\r>"),
		"two of the car's": newELM327("41 0C 1A F8 \r41 0C 1A F4 \r\r>"),
		"echo stays on":    newELM327("010C\r41 0C 1A F8 \r\r>"),
		"bus found":        newELM327("BUS INIT: OK\r41 0C 1A F8 \r\r>"),
	} {
		t.Run(name, func(t *testing.T) { elm.checkSpeed(t) })
		t.Run(name+", slowly", func(t *testing.T) {
			slow := *elm
			slow.slow = true
			slow.checkSpeed(t)
		})
	}
}

// The replies of a clone can be late, or answer the commands of an earlier program.
func TestObdSkipsEarlierReplies(t *testing.T) {
	for _, greeting := range []string{">", "\r\r>\r>", "?\r\r>", "STOPPED\r\r>", "41 0C 00 00 \r\r>"} {
		elm := newELM327("41 0C 1A F8 \r\r>")
		elm.greeting = greeting
		t.Run(greeting, func(t *testing.T) { elm.checkSpeed(t) })
	}
}

func (e *elm327) checkSpeed(t *testing.T) {
	t.Helper()
	stdout, stderr := run(t, 0, "obd", []string{"-connect", e.listen(t)})
	if stdout != "1726 rpm\n" {
		t.Errorf("it printed %q, want 1726 rpm", stdout)
	}
	checkSilent(t, stderr)
}

func TestObdAsksSeveralTimes(t *testing.T) {
	elm := newELM327("41 0C 00 00\r\r>", "41 0C 01 0C\r\r>", "41 0C FF FF\r\r>")
	stdout, stderr := run(t, 0, "obd", []string{"-n", "3", "-connect", elm.listen(t)})
	if want := "0 rpm\n67 rpm\n16383 rpm\n"; stdout != want {
		t.Errorf("it printed %q, want %q", stdout, want)
	}
	checkSilent(t, stderr)
}

func TestObdReportsFailures(t *testing.T) {
	for reply, want := range map[string]string{
		"NO DATA\r\r>":                         "NODATA",
		"SEARCHING...\rUNABLE TO CONNECT\r\r>": "UNABLETOCONNECT",
		"BUS INIT: ...ERROR\r\r>":              "ERROR",
		"SEARCHING...\rCAN ERROR\r\r>":         "CANERROR",
		"STOPPED\r\r>":                         "STOPPED",
		"?\r\r>":                               "?",
		"7F 01 12\r\r>":                        "7F01",
	} {
		t.Run(want, func(t *testing.T) {
			stdout, stderr := run(t, 1, "obd", []string{"-connect", newELM327(reply).listen(t)})
			checkSilent(t, stdout)
			checkText(t, stderr, "obd: ", want, "ignition")
		})
	}
}

// The speeds before a failure are printed.
func TestObdReportsHangup(t *testing.T) {
	elm := newELM327("41 0C 1A F8\r\r>", "41 0C")
	elm.replies["ATE0"] = nil
	stdout, stderr := run(t, 1, "obd", []string{"-connect", elm.listen(t)})
	checkSilent(t, stdout)
	checkText(t, stderr, "obd: ")
}
