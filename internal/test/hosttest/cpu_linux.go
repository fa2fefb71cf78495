package hosttest

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime returns the user and system time that the process has used.
func CPUTime(t testing.TB) time.Duration {
	t.Helper()
	var used unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Nano())
}
