package hosttest

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// LeavesNothingBehind calls f, and waits until the number of goroutines and, on
// Linux, of open descriptors is not larger than before.
func LeavesNothingBehind(t testing.TB, f func()) {
	t.Helper()
	check := leakCheck(t, patience)
	f()
	check()
}

// closeTime is how long CheckLeaksAtEnd waits for descriptors that have just
// been closed and goroutines that are about to end. It is shorter than
// patience, so that a call that the kernel delays for longer fails the test.
const closeTime = 20 * time.Second

// CheckLeaksAtEnd is like LeavesNothingBehind for the rest of the test and the
// cleanup functions that it registers later. It waits at most 20 s.
func CheckLeaksAtEnd(t testing.TB) {
	t.Helper()
	t.Cleanup(leakCheck(t, closeTime))
}

// leakCheck counts the goroutines and the open descriptors, and returns a
// function that waits until both counts are not larger.
func leakCheck(t testing.TB, timeout time.Duration) (check func()) {
	t.Helper()
	startPoller(t)
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	return func() {
		t.Helper()
		eventually(t, timeout, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
		eventually(t, timeout, "as many open files as before", func() bool { return openFiles(t) <= files })
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
