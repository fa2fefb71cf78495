package hosttest

import (
	"os"
	"runtime"
	"testing"
)

// LeavesNothingBehind calls f and waits until no more descriptors are open, as
// far as the system tells, and no more goroutines exist than before.
func LeavesNothingBehind(t testing.TB, f func()) {
	t.Helper()
	startPoller(t)
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	f()
	Eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	Eventually(t, "as many open files as before", func() bool { return openFiles(t) <= files })
}

// startPoller makes the runtime open what it needs for its poller, which stays
// open.
func startPoller(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	w.Close()
}
