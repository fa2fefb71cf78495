package bluez

import (
	"context"
	"errors"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// defaultAgent registers a default agent with a Client.
func defaultAgent(t testing.TB, c *Client, a Agent, report func(error)) *AgentRegistration {
	t.Helper()
	r, err := c.RegisterAgent(t.Context(), a, AgentOptions{Capability: DisplayYesNo, Default: true, Report: report})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantAsked checks that a pairing that the device begins is a question to an
// agent.
func wantAsked(t *testing.T, f *fakebus.Device, a *clerk, z *fakebus.BlueZ) {
	t.Helper()
	a.forget()
	if got := f.PairFrom(t.Context(), incoming(z)); got != fakebus.Success {
		t.Errorf("the pairing ended with %q", got)
	}
	if got, want := a.questions(), pairAddress+": authorize"; got != want {
		t.Errorf("the agent was asked %q, want %q", got, want)
	}
	unpair(f)
}

func TestRegisterAgentIsDefault(t *testing.T) {
	z, f, d := fakeDevice(t)
	first, second := &clerk{}, &clerk{}
	other, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	defaultAgent(t, other, first, nil)
	wantAsked(t, f, first, z)
	r := defaultAgent(t, d.client(), second, nil)
	wantAsked(t, f, second, z)
	if _, err := z.Agents()[0].Call(t.Context(), "AuthorizeService", f.Path(), sdp.SerialPort.String()); err != nil {
		t.Error(err)
	}
	if got, want := second.questions(), pairAddress+": authorize; "+pairAddress+": service "+sdp.SerialPort.String(); got != want {
		t.Errorf("the agent was asked %q, want %q", got, want)
	}
	r.Close()
	r.Close()
	wantAsked(t, f, first, z)
}

func TestRegisterAgentRefuses(t *testing.T) {
	z, _, d := fakeDevice(t)
	c := d.client()
	if _, err := c.RegisterAgent(t.Context(), nil, AgentOptions{Capability: DisplayOnly}); err == nil {
		t.Error("a nil agent was registered")
	}
	if _, err := c.RegisterAgent(t.Context(), RejectAll{}, AgentOptions{}); err == nil {
		t.Error("an agent without a capability was registered")
	}
	z.Fail(agentManager+".RequestDefaultAgent", "org.bluez.Error.Failed", "Failed to set as default")
	if _, err := c.RegisterAgent(t.Context(), RejectAll{}, AgentOptions{Capability: DisplayOnly, Default: true}); err == nil {
		t.Error("bluetoothd's error was not returned")
	}
	wantNoAgents(t, z)
	r := defaultAgent(t, c, RejectAll{}, nil)
	_, err := c.RegisterAgent(t.Context(), RejectAll{}, AgentOptions{Capability: DisplayOnly})
	if !errors.Is(err, ErrRegistered) {
		t.Errorf("a second agent: %v, want ErrRegistered", err)
	}
	r.Close()
	defaultAgent(t, c, RejectAll{}, nil).Close()
	wantNoAgents(t, z)
}

func TestRegisterAgentSurvivesRestart(t *testing.T) {
	z, f, d := fakeDevice(t)
	asked, states := make(chan struct{}), make(chan error, 10)
	a := &clerk{wait: func(ctx context.Context) {
		close(asked)
		<-ctx.Done()
	}}
	if err := d.Pair(t.Context(), RejectAll{}, NoInputNoOutput); err != nil { // or the restart would forget it
		t.Fatal(err)
	}
	defaultAgent(t, d.client(), a, func(err error) { states <- err })
	pairing := hosttest.InBackground(func() fakebus.Status { return f.PairFrom(t.Context(), incoming(z)) })
	hosttest.Receive(t, asked)
	z.Stop()
	hosttest.Receive(t, pairing)
	if err := hosttest.Receive(t, states); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("reported %v, want ErrNoDaemon", err)
	}
	z.Start()
	if err := hosttest.Receive(t, states); err != nil {
		t.Errorf("reported %v, want nil", err)
	}
	a.wait = nil
	wantAsked(t, f, a, z)
}

// The end of the registration, or of the Client, ends the context of a question
// and waits for the method.
func TestAgentRegistrationCloseEndsQuestions(t *testing.T) {
	for name, end := range map[string]func(*AgentRegistration){
		"registration": func(r *AgentRegistration) { r.Close() },
		"client":       func(r *AgentRegistration) { r.client.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			z, f, d := fakeDevice(t)
			asked, returned := make(chan struct{}), false
			a := &clerk{wait: func(ctx context.Context) {
				close(asked)
				<-ctx.Done()
				returned = true
			}}
			r := defaultAgent(t, d.client(), a, nil)
			pairing := hosttest.InBackground(func() fakebus.Status { return f.PairFrom(t.Context(), incoming(z)) })
			hosttest.Receive(t, asked)
			end(r)
			if !returned {
				t.Error("the method runs after Close")
			}
			if got := hosttest.Receive(t, pairing); got != fakebus.Failed {
				t.Errorf("the pairing ended with %q, want %q", got, fakebus.Failed)
			}
		})
	}
}

// A registration that bluetoothd completes after the context has ended would be
// an agent that refuses everything or, with NoInputNoOutput, that accepts all.
func TestRegisterAgentCanceledLeavesNone(t *testing.T) {
	for _, method := range []string{".RegisterAgent", ".RequestDefaultAgent"} {
		z, _, d := fakeDevice(t)
		reply := z.HoldReply(agentManager + method)
		ctx, cancel := context.WithCancel(t.Context())
		registered := hosttest.InBackground(func() error {
			_, err := d.client().RegisterAgent(ctx, RejectAll{}, AgentOptions{Capability: NoInputNoOutput, Default: true})
			return err
		})
		reply.Await(t)
		cancel()
		if err := hosttest.Receive(t, registered); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want %v", method, err, context.Canceled)
		}
		reply.Release()
		wantNoAgents(t, z)
		hosttest.Eventually(t, "another registration", func() bool {
			_, err := d.client().RegisterAgent(t.Context(), RejectAll{}, AgentOptions{Capability: DisplayOnly})
			return err == nil
		})
	}
}

// Close also ends the questions of a pairing that uses the registered agent.
func TestAgentRegistrationCloseEndsPair(t *testing.T) {
	_, f, d := fakeDevice(t)
	f.OnPair(fakebus.Compare(42))
	asked, returned := make(chan struct{}), false
	a := &clerk{wait: func(ctx context.Context) {
		close(asked)
		<-ctx.Done()
		returned = true
	}}
	r, err := d.client().RegisterAgent(t.Context(), a, AgentOptions{Capability: DisplayYesNo})
	if err != nil {
		t.Fatal(err)
	}
	paired := hosttest.InBackground(func() error { return d.Pair(t.Context(), nil, "") })
	hosttest.Receive(t, asked)
	r.Close()
	if !returned {
		t.Error("the method runs after Close")
	}
	if err := hosttest.Receive(t, paired); !errors.Is(err, ErrAuthFailed) {
		t.Errorf("Pair returned %v, want %v", err, ErrAuthFailed)
	}
}
