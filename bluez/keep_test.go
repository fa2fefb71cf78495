package bluez

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A keepLog records what a keeper does, with the time since its start.
type keepLog struct {
	start time.Time

	mu     sync.Mutex
	lines  []string
	errors []error // of the next registrations
}

func (l *keepLog) add(format string, arguments ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%v: ", time.Since(l.start))+fmt.Sprintf(format, arguments...))
}

// fail makes the next registrations fail.
func (l *keepLog) fail(times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errors = slices.Repeat([]error{ErrRegistered}, times)
}

// next returns the result of a registration.
func (l *keepLog) next() (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errors) > 0 {
		err, l.errors = l.errors[0], l.errors[1:]
	}
	return err
}

// want compares the log with lines, and begins a new one.
func (l *keepLog) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.lines, want) {
		t.Errorf("got  %q\nwant %q", l.lines, want)
	}
	l.lines = nil
}

// keeping runs a keeper whose first registration was made with a bluetoothd ":1.1".
func keeping(t *testing.T, again func(event) bool) (*keeper, *keepLog) {
	l := &keepLog{start: time.Now()}
	k := &keeper{events: newMailbox[event](), owner: ":1.1", registration: registration{
		again: again,
		register: func(ctx context.Context) error {
			l.add("register with %v", ctx.Value(ownerKey{}))
			return l.next()
		},
		changed: func(err error) { l.add("changed: %s", causeName(err)) },
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return k, l
}

// causeName returns the name of the variable that an error matches.
func causeName(err error) string {
	for name, cause := range map[string]error{"ErrNoDaemon": ErrNoDaemon, "ErrNoBus": ErrNoBus, "ErrRegistered": ErrRegistered} {
		if errors.Is(err, cause) {
			return name
		}
	}
	return fmt.Sprint(err)
}

func TestKeepRegistersWithNextBluetoothd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := keeping(t, nil)
		k.receive(event{kind: daemonGone, owner: ":1.1"})
		l.want(t, "0s: changed: ErrNoDaemon")
		time.Sleep(time.Hour) // without attempts
		k.receive(event{kind: daemonStarted, owner: ":1.2"})
		l.want(t, "1h0m0s: register with :1.2", "1h0m0s: changed: <nil>")
	})
}

// bluetoothd may restart between the start of keep and the first registration,
// which is then with the new one.
func TestKeepIgnoresEarlierRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := keeping(t, nil)
		k.receive(event{kind: daemonGone, owner: ":1.0"})
		k.receive(event{kind: daemonStarted, owner: ":1.1"})
		l.want(t)
	})
}

func TestKeepRetriesAtLongerIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := keeping(t, nil)
		l.fail(9)
		k.receive(event{kind: daemonGone, owner: ":1.1"})
		k.receive(event{kind: daemonStarted, owner: ":1.2"})
		time.Sleep(5 * time.Minute)
		var want []string
		at := time.Duration(0)
		for _, pause := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60} {
			at += pause * time.Second
			want = append(want, fmt.Sprintf("%v: register with :1.2", at), fmt.Sprintf("%v: changed: ErrRegistered", at))
		}
		at += time.Minute
		want = append(want, fmt.Sprintf("%v: register with :1.2", at), fmt.Sprintf("%v: changed: <nil>", at))
		l.want(t, append([]string{"0s: changed: ErrNoDaemon"}, want...)...)
		time.Sleep(time.Hour)
		l.want(t)
	})
}

func TestKeepRestartsIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := keeping(t, nil)
		l.fail(3)
		k.receive(event{kind: daemonStarted, owner: ":1.2"})
		time.Sleep(3500 * time.Millisecond) // attempts at 0 s, 1 s and 3 s
		k.receive(event{kind: daemonGone, owner: ":1.2"})
		time.Sleep(time.Hour)
		l.fail(1)
		l.mu.Lock()
		l.lines = nil
		l.mu.Unlock()
		k.receive(event{kind: daemonStarted, owner: ":1.3"})
		time.Sleep(time.Hour)
		l.want(t,
			"1h0m3.5s: register with :1.3", "1h0m3.5s: changed: ErrRegistered",
			"1h0m4.5s: register with :1.3", "1h0m4.5s: changed: <nil>")
	})
}

func TestKeepRegistersAfterSelectedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := keeping(t, func(e event) bool { return e.path == "/org/bluez/hci1" })
		k.receive(event{kind: interfacesAdded, path: "/org/bluez/hci1"})
		k.receive(event{kind: interfacesAdded, path: "/org/bluez/hci2"})
		l.want(t, "0s: register with :1.1", "0s: changed: <nil>")
		k.receive(event{kind: daemonGone, owner: ":1.1"})
		k.receive(event{kind: interfacesAdded, path: "/org/bluez/hci1"}) // nobody to register with
		l.want(t, "0s: changed: ErrNoDaemon")
	})
}

func TestKeepReportsEndOfBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, l := keeping(t, nil)
		k.receive(event{kind: busGone})
		l.want(t, "0s: changed: ErrNoBus")
		time.Sleep(time.Hour)
		l.want(t)
	})
}

func TestKeepReportsNothingAfterItsEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	k := &keeper{events: newMailbox[event](), owner: ":1.1"}
	k.register = func(ctx context.Context) error {
		cancel()
		return ctx.Err()
	}
	k.changed = func(err error) { t.Errorf("changed: %v", err) }
	k.receive(event{kind: daemonStarted, owner: ":1.2"})
	done := hosttest.InBackground(func() error { k.run(ctx); return nil })
	hosttest.Receive(t, done)
}
