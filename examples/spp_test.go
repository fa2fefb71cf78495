package examples_test

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// withoutBus hides the system bus.
func withoutBus(c *exec.Cmd) {
	c.Env = append(c.Env, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent/system_bus_socket")
}

// ask types a line in the app, with the CR LF that such apps send, and returns
// the answer.
func ask(t *testing.T, conn net.Conn, answers *bufio.Reader, line string) string {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
		t.Fatal(err)
	}
	answer, err := answers.ReadString('\n')
	if err != nil {
		t.Fatalf("%v after the answer %q to %q", err, answer, line)
	}
	text, ok := strings.CutSuffix(answer, "\r\n")
	if !ok {
		t.Errorf("the answer %q to %q does not end with CR LF", answer, line)
	}
	return text
}

// checkSpp checks the answers of the program spp.
func checkSpp(t *testing.T, conn net.Conn) {
	t.Helper()
	answers := bufio.NewReader(conn)
	if got := ask(t, conn, answers, "Time"); time.Since(parseTime(t, got)) > time.Minute {
		t.Errorf("the time is %q", got)
	}
	checkText(t, ask(t, conn, answers, "hello"), "time", "load")
}

// parseTime parses an answer.
func parseTime(t *testing.T, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Error(err)
	}
	return when
}

func TestSpp(t *testing.T) {
	server := launch(t, "spp", []string{"-listen", "127.0.0.1:0"})
	server.await(t, "\n")
	words := regexp.MustCompile(`^Listening on (\S+)\n$`).FindStringSubmatch(server.stdout.String())
	if words == nil {
		t.Fatalf("the server says %q", &server.stdout)
	}
	for range 2 {
		conn, err := net.Dial("tcp", words[1])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		checkSpp(t, conn)
	}
	server.interrupt(t)
	server.end(t, 0)
	checkSilent(t, server.stderr.String())
}

func TestSppWithoutBus(t *testing.T) {
	stdout, stderr := run(t, 1, "spp", nil, withoutBus)
	checkSilent(t, stdout)
	checkOneLine(t, stderr, "spp: ")
}

// checkOneLine checks that a program has printed one line with a prefix.
func checkOneLine(t *testing.T, text, prefix string) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, prefix) || len(text) < len(prefix)+10 {
		t.Errorf("it printed %q, want one line that begins with %q", text, prefix)
	}
}
