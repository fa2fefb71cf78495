package hosttest

import (
	"os"
	"testing"
)

// openFiles counts the descriptors that are open.
func openFiles(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
