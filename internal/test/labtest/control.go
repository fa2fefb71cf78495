package labtest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// socketVariable is the environment variable with the path of the lab's control
// socket. lab/README.md lists the requests.
const socketVariable = "RFCOMM_LAB"

// patience limits a request. It exceeds the longest wait inside the lab.
const patience = 3 * time.Minute

// ask sends a request to the lab and returns the reply without its "ok".
func (l *Lab) ask(request string) string {
	l.t.Helper()
	result, err := Request(request)
	if err != nil {
		l.t.Fatal(err)
	}
	return result
}

// Request sends a request to the lab and returns the reply without its "ok". It
// is for programs of the lab that are not tests.
func Request(request string) (string, error) {
	reply, err := exchange(os.Getenv(socketVariable), request)
	if err != nil {
		return "", fmt.Errorf("asking the lab for %q: %w", request, err)
	}
	result, ok := strings.CutPrefix(reply, "ok")
	if !ok {
		return "", fmt.Errorf("asking the lab for %q: %s", request, strings.TrimPrefix(reply, "error: "))
	}
	return strings.TrimSpace(result), nil
}

// exchange sends one line to a Unix socket and returns the line in reply.
func exchange(path, request string) (string, error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, request); err != nil {
		return "", err
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("no reply: %w", err)
	}
	return strings.TrimSuffix(reply, "\n"), nil
}

// parseAddress parses a BD_ADDR.
func parseAddress(s string) ([6]byte, error) {
	var address [6]byte
	parts := strings.Split(s, ":")
	if len(parts) != len(address) {
		return address, fmt.Errorf("invalid BD_ADDR %q", s)
	}
	for i, part := range parts {
		b, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return address, fmt.Errorf("invalid BD_ADDR %q", s)
		}
		address[i] = byte(b)
	}
	return address, nil
}
