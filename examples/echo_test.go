package examples_test

import (
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
)

func TestEcho(t *testing.T) {
	server := launch(t, "echo", []string{"-listen", "127.0.0.1:0"})
	server.await(t, "\n")
	words := regexp.MustCompile(`^Listening on (\S+)\n$`).FindStringSubmatch(server.stdout.String())
	if words == nil {
		t.Fatalf("the server says %q", &server.stdout)
	}
	for _, texts := range [][]string{{"hello"}, {"how", "do", "you", "do"}, {strings.Repeat("long ", 20_000)}, {"--", "-v"}} {
		stdout, stderr := run(t, 0, "echo", append([]string{"-connect", words[1]}, texts...))
		if want := strings.TrimPrefix(strings.Join(texts, " "), "-- ") + "\n"; stdout != want {
			t.Errorf("echo of %.20q is %.20q", want, stdout)
		}
		checkSilent(t, stderr)
	}
	server.kill(t)
	_, stderr := run(t, 1, "echo", []string{"-connect", words[1], "hello"})
	checkText(t, stderr, "echo: ", "refused")
}

func TestEchoReportsDifferentText(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.ReadFull(conn, make([]byte, len("hello")))
		conn.Write([]byte("other"))
	}()
	stdout, stderr := run(t, 1, "echo", []string{"-connect", listener.Addr().String(), "hello"})
	checkText(t, stdout, "other\n")
	checkText(t, stderr, "echo: ")
}
