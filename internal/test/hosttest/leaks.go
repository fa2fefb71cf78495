package hosttest

import (
	"os"
	"runtime"
	"testing"
)

// LeavesNothingBehind calls f, and waits until the number of goroutines and, on
// Linux, of open descriptors is not larger than before.
func LeavesNothingBehind(t testing.TB, f func()) {
	t.Helper()
	check := leakCheck(t)
	f()
	check()
}

// CheckLeaksAtEnd is like LeavesNothingBehind for the rest of the test and the
// cleanup functions that it registers later.
func CheckLeaksAtEnd(t testing.TB) {
	t.Helper()
	t.Cleanup(leakCheck(t))
}

// leakCheck counts the goroutines and the open descriptors, and returns a
// function that waits until both counts are not larger.
func leakCheck(t testing.TB) (check func()) {
	t.Helper()
	startPoller(t)
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	return func() {
		t.Helper()
		Eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
		Eventually(t, "as many open files as before", func() bool { return openFiles(t) <= files })
	}
}

// startPoller makes the runtime open the descriptors of its poller,
// which stay open.
func startPoller(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	w.Close()
}
