// Package hosttest helps tests that run on any Linux machine, on sockets that
// stand in for Bluetooth's: pairs of Unix sockets, and TCP and UDP over the
// loopback interface.
package hosttest

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen. It is long enough
// to decide nothing on a busy machine.
const patience = 2 * time.Minute

// Eventually waits until the condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came about: %s\n%s", what, goroutines())
		}
	}
}

// Receive returns the next value of the channel.
func Receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("nothing came from a channel\n%s", goroutines())
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

// AwaitPolling waits until a goroutine waits on the network poller in a method
// such as "(*Conn).Read".
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

// AwaitSelecting waits until a goroutine waits in a select statement of a
// function.
func AwaitSelecting(t testing.TB, function string) {
	t.Helper()
	await(t, function, "select")
}

// AwaitLocking waits until a goroutine waits for a mutex in a function.
func AwaitLocking(t testing.TB, function string) {
	t.Helper()
	await(t, function, "sync.Mutex.Lock")
}

// await waits until a goroutine in the function is in the state.
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
