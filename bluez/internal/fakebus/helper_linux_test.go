package fakebus

import (
	"os"
	"syscall"
	"testing"
)

// dup returns a duplicate of a file's descriptor.
func dup(t testing.TB, f *os.File) int {
	t.Helper()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}
