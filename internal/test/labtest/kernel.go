package labtest

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// KernelWarnings returns the kernel's log messages of level warning or worse
// since the lab was ready, from all tests.
func (l *Lab) KernelWarnings() []string {
	l.t.Helper()
	text, err := strconv.Unquote(l.ask("kmsg"))
	if err != nil {
		l.t.Fatalf("the lab's kernel log: %v", err)
	}
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Queued returns the inode of the listener of each connection that waits to be
// accepted. The connection may be in any state.
func Queued(t testing.TB) (inodes []string) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/rfcomm")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if parent := fields[len(fields)-1]; parent != "0" && parent != "Parent" {
			inodes = append(inodes, parent)
		}
	}
	return inodes
}

// Warned returns the first of the kernel's messages of level warning or worse
// that contains text, or "" if there is none. Outside the lab it returns "".
func Warned(t testing.TB, text string) string {
	t.Helper()
	if os.Getenv(socketVariable) == "" {
		return ""
	}
	for _, line := range (&Lab{t: t}).KernelWarnings() {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}
