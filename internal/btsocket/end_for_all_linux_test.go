package btsocket

import (
	"context"
	"io"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// sharedPair returns the two ends of a connection. Another holder has a
// duplicate of the near end's descriptor until the test ends.
func sharedPair(t *testing.T) (near, far *Socket) {
	t.Helper()
	a, b := hosttest.UnixPair(t)
	duplicate, err := Duplicate(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(duplicate) })
	near, far = socketOf(t, a), socketOf(t, b)
	near.EndForAll()
	return near, far
}

// wantFarewell checks that a Socket reads "goodbye" and then the end of the
// stream.
func wantFarewell(t *testing.T, s *Socket) {
	t.Helper()
	got := hosttest.Receive(t, hosttest.InBackground(func() string {
		data, err := io.ReadAll(s)
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}))
	if got != "goodbye" {
		t.Errorf("the peer read %q", got)
	}
}

func TestEndForAllEndsConnection(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, end := range map[string]func(*Socket) error{
		"Close": (*Socket).Close,
		"Shutdown with an ended context": func(s *Socket) error {
			if err := s.Shutdown(cancelled, handles(42, 42)); err != context.Canceled {
				t.Errorf("Shutdown returned the error %v", err)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := sharedPair(t)
			if _, err := io.WriteString(near, "goodbye"); err != nil {
				t.Fatal(err)
			}
			if err := end(near); err != nil {
				t.Error(err)
			}
			wantFarewell(t, far)
		})
	}
}

func TestEndForAllWhenForgotten(t *testing.T) {
	a, b := hosttest.UnixPair(t)
	duplicate, err := Duplicate(a)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(duplicate)
	far := socketOf(t, b)
	func() {
		near, err := New(a)
		if err != nil {
			t.Fatal(err)
		}
		near.EndForAll()
		if _, err := io.WriteString(near, "goodbye"); err != nil {
			t.Fatal(err)
		}
	}()
	hosttest.Eventually(t, "the end of the connection", func() bool {
		runtime.GC()
		return !far.Connected()
	})
	wantFarewell(t, far)
}

func TestCloseLeavesConnectionToDuplicates(t *testing.T) {
	a, b := hosttest.UnixPair(t)
	duplicate, err := Duplicate(a)
	if err != nil {
		t.Fatal(err)
	}
	near, far, other := socketOf(t, a), socketOf(t, b), socketOf(t, duplicate)
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(other, "goodbye"); err != nil {
		t.Error(err)
	}
	other.Close()
	wantFarewell(t, far)
}
