package bluez

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// reports are the states that the Report functions of registrations receive.
type reports struct {
	mu   sync.Mutex
	last map[string]error
	odd  []string // reports that must not be
}

// of returns the Report function of a registration.
func (r *reports) of(name string) func(error) {
	return func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil && !errors.Is(err, ErrNoDaemon) {
			r.odd = append(r.odd, fmt.Sprintf("%s: %v", name, err))
		}
		r.last[name] = err
	}
}

// well reports whether all registrations have been reported as present again.
func (r *reports) well() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.last {
		if err != nil {
			return false
		}
	}
	return true
}

// registerAll makes a registration of each kind: a publication, a profile and a
// default agent.
func registerAll(t *testing.T, m *machine) *reports {
	t.Helper()
	r := &reports{last: make(map[string]error)}
	p, err := Publish(t.Context(), sdp.NewSerialPort("x", 5), &PublishOptions{Report: r.of("publication")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if _, err := m.client.RegisterProfile(t.Context(), ProfileOptions{UUID: vendorUUID, Report: r.of("profile")}); err != nil {
		t.Fatal(err)
	}
	o := AgentOptions{Capability: DisplayYesNo, Default: true, Report: r.of("agent")}
	if _, err := m.client.RegisterAgent(t.Context(), RejectAll{}, o); err != nil {
		t.Fatal(err)
	}
	return r
}

// missing lists the registrations that bluetoothd lacks, and wrong numbers of them.
func (m *machine) missing() (missing []string) {
	listed, _ := m.hci0.Get(adapterInterface, "UUIDs").([]string)
	for name, uuid := range map[string]sdp.UUID{"publication": sdp.SerialPort, "profile": vendorUUID} {
		if !strings.Contains(strings.Join(listed, " "), uuid.String()) {
			missing = append(missing, name)
		}
	}
	if n := len(m.z.Profiles()); n != 2 {
		missing = append(missing, fmt.Sprintf("%d profiles", n))
	}
	if n := len(m.z.Agents()); n != 1 {
		missing = append(missing, fmt.Sprintf("%d agents", n))
	}
	if m.hci0.Get(adapterInterface, "Pairable") != true {
		missing = append(missing, "pairable")
	}
	return missing
}

// awaitAll waits until bluetoothd has all registrations, and they are reported.
func awaitAll(t *testing.T, m *machine, r *reports) {
	t.Helper()
	hosttest.Eventually(t, "all registrations", func() bool { return len(m.missing()) == 0 && r.well() })
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, odd := range r.odd {
		t.Error(odd)
	}
}

func TestRegistrationsSurviveRestarts(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	m := newMachine(t)
	r := registerAll(t, m)
	awaitAll(t, m, r)
	for range 5 {
		for name, restart := range map[string]func(){
			"killed":     m.z.Restart,
			"terminated": func() { m.z.Exit(); m.z.Start() },
			"twice":      func() { m.z.Restart(); m.z.Restart() },
		} {
			restart()
			awaitAll(t, m, r)
			if t.Failed() {
				t.Fatalf("bluetoothd %s: missing: %v", name, m.missing())
			}
		}
	}
}

// Another restart while bluetoothd handles the calls that make registrations again
// does not stop them.
func TestRegistrationsSurviveInterruption(t *testing.T) {
	for _, call := range []string{
		profileManager + ".RegisterProfile", profileManager + ".UnregisterProfile", objectManager + ".GetManagedObjects",
		agentManager + ".RegisterAgent", agentManager + ".RequestDefaultAgent",
	} {
		for name, hold := range map[string]func(*fakebus.BlueZ, string) *fakebus.Hold{"call": (*fakebus.BlueZ).Hold, "reply": (*fakebus.BlueZ).HoldReply} {
			t.Run(call+"/"+name, func(t *testing.T) {
				hosttest.CheckLeaksAtEnd(t)
				m := newMachine(t)
				r := registerAll(t, m)
				m.z.Stop()
				h := hold(m.z, call)
				m.z.Start()
				h.Await(t)
				m.z.Restart()
				awaitAll(t, m, r)
			})
		}
	}
}

// Registrations survive adapters that are removed and added while bluetoothd
// restarts.
func TestRegistrationsSurviveAdapters(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	m := newMachine(t)
	r := registerAll(t, m)
	for range 10 {
		m.hci0.Remove()
		m.z.Restart()
		m.hci0.Restore()
		m.hci0.Power(false)
		m.hci0.Power(true)
		hosttest.Eventually(t, "all registrations", func() bool { return len(m.missing()) == 0 && r.well() })
	}
}
