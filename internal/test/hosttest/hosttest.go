// Package hosttest has helpers for tests that run on any machine, without
// Bluetooth. Pairs of Unix sockets, and TCP and UDP over the loopback
// interface, stand in for Bluetooth sockets.
package hosttest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is the timeout of every wait for something that must happen. It is
// long enough that a busy machine does not affect a test's result.
const patience = 2 * time.Minute

// Eventually waits until holds returns true. What describes the condition.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	eventually(t, patience, what, holds)
}

// eventually is Eventually with a timeout.
func eventually(t testing.TB, timeout time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(timeout); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timed out waiting for: %s\n%s", what, goroutines())
		}
	}
}

// Receive returns the next value received from the channel.
func Receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("no value received from a channel\n%s", goroutines())
		panic("unreachable")
	}
}

// InBackground calls f in a new goroutine and returns a channel that receives
// its result. The channel is buffered, so that the goroutine ends even if the
// result is never received.
func InBackground[T any](f func() T) <-chan T {
	result := make(chan T, 1)
	go func() { result <- f() }()
	return result
}

// AwaitPolling waits until a goroutine is blocked on the network poller in a
// method such as "(*Conn).Read".
func AwaitPolling(t testing.TB, method string) {
	t.Helper()
	await(t, method, "IO wait")
}

// AwaitCall waits until a goroutine is in a system call that a function such as
// "unix.Connect" makes.
func AwaitCall(t testing.TB, function string) {
	t.Helper()
	await(t, function, "syscall")
}

// AwaitSelecting waits until a goroutine is blocked in a select statement of a
// function.
func AwaitSelecting(t testing.TB, function string) {
	t.Helper()
	await(t, function, "select")
}

// AwaitLocking waits until a goroutine is blocked on a mutex in a function.
func AwaitLocking(t testing.TB, function string) {
	t.Helper()
	await(t, function, "sync.Mutex.Lock")
}

// await waits until a goroutine in the function has the state, as in
// a stack trace.
func await(t testing.TB, function, state string) {
	t.Helper()
	Eventually(t, "a goroutine in "+function+", "+state, func() bool {
		for goroutine := range strings.SplitSeq(goroutines(), "\n\n") {
			header, calls, _ := strings.Cut(goroutine, "\n")
			if strings.Contains(header, "["+state) && strings.Contains(calls, function+"(") {
				return true
			}
		}
		return false
	})
}

// goroutines returns the stacks of all goroutines.
func goroutines() string {
	for buf := make([]byte, 1<<16); ; buf = make([]byte, 2*len(buf)) {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return string(buf[:n])
		}
	}
}
