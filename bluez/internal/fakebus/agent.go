package fakebus

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/godbus/dbus/v5"
)

// An Agent is a registration of AgentManager1.RegisterAgent.
type Agent struct {
	z          *BlueZ
	Owner      string // unique name of the client
	Path       dbus.ObjectPath
	Capability string
	busy       bool // with a question
}

// Agents returns the registered agents. The first one is the default agent.
func (z *BlueZ) Agents() []*Agent {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	return slices.Clone(z.agents)
}

// SetAgentTimeout sets how long bluetoothd waits for answers of agents. The default is
// 60 s (REQUEST_TIMEOUT in src/agent.c).
func (z *BlueZ) SetAgentTimeout(d time.Duration) {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	z.agentTimeout = d
}

// Authorize asks the default agent whether a device may connect to a profile
// (AuthorizeService). Trusted devices are not asked about; without an agent the
// answer is an error.
func (d *Device) Authorize(ctx context.Context, p *Profile) error {
	d.z.bus.mu.Lock()
	trusted, a := d.is("Trusted"), d.z.agentOf("")
	d.z.bus.mu.Unlock()
	switch {
	case trusted:
		return nil
	case a == nil:
		return errNoAgent
	}
	_, err := a.ask(ctx, "AuthorizeService", d.path, p.local())
	return err
}

// Call calls a method of the client's Agent1 object, with any arguments.
func (a *Agent) Call(ctx context.Context, method string, body ...any) ([]any, error) {
	return a.z.call(ctx, a.Owner, a.Path, agentInterface, method, body...)
}

// Cancel calls the Cancel method of the client, also without a pending question.
func (a *Agent) Cancel() {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	a.tell("Cancel")
}

// ask asks the agent one question at a time. If the context ends first, the question
// is withdrawn with Cancel (agent_cancel in src/agent.c), also after the timeout of
// questions that have no value as their answer (simple_agent_reply).
func (a *Agent) ask(ctx context.Context, method string, body ...any) ([]any, error) {
	a.z.bus.mu.Lock()
	if a.busy {
		a.z.bus.mu.Unlock()
		return nil, errors.New("the agent is busy with another question")
	}
	a.busy = true
	limited, cancel := context.WithTimeout(ctx, a.z.agentTimeout)
	a.z.bus.mu.Unlock()
	defer cancel()
	reply, err := a.Call(limited, method, body...)
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	a.busy = false
	if ctx.Err() != nil || limited.Err() != nil && method != "RequestPinCode" && method != "RequestPasskey" {
		a.tell("Cancel")
	}
	return reply, err
}

// tell calls a method without a reply.
func (a *Agent) tell(method string, body ...any) {
	a.z.tell(a.Owner, a.Path, agentInterface, method, body...)
}

// agentOf returns the agent of a client, or else the default agent, or else nil
// (agent_get in src/agent.c).
func (z *BlueZ) agentOf(owner string) *Agent {
	for _, a := range z.agents {
		if a.Owner == owner {
			return a
		}
	}
	if len(z.agents) > 0 {
		return z.agents[0]
	}
	return nil
}

func (z *BlueZ) agentManager(c *Call) {
	switch c.Member() + " " + c.signature() {
	case "RegisterAgent os":
		z.registerAgent(c, c.Body[0].(dbus.ObjectPath), c.Body[1].(string))
	case "UnregisterAgent o":
		z.withAgent(c, z.removeAgent)
	case "RequestDefaultAgent o":
		z.withAgent(c, func(a *Agent) {
			z.agents = slices.DeleteFunc(z.agents, func(b *Agent) bool { return b == a })
			z.agents = slices.Insert(z.agents, 0, a)
		})
	default:
		c.unknown()
	}
}

// registerAgent is register_agent in src/agent.c: the first agent becomes the default
// agent, later ones are appended. A default agent makes adapters pairable.
func (z *BlueZ) registerAgent(c *Call, path dbus.ObjectPath, capability string) {
	if capability == "" {
		capability = "KeyboardDisplay"
	}
	switch {
	case slices.ContainsFunc(z.agents, func(a *Agent) bool { return a.Owner == c.Sender() }):
		c.fail("org.bluez.Error.AlreadyExists", "Already Exists")
	case !slices.Contains([]string{"DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput", "KeyboardDisplay"}, capability):
		c.fail("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
	default:
		z.agents = append(z.agents, &Agent{z: z, Owner: c.Sender(), Path: path, Capability: capability})
		c.reply()
		z.setPairable(true)
	}
}

// withAgent runs f with the agent of the caller at the path of the first argument.
func (z *BlueZ) withAgent(c *Call, f func(*Agent)) {
	i := slices.IndexFunc(z.agents, func(a *Agent) bool { return a.Owner == c.Sender() && a.Path == c.Body[0].(dbus.ObjectPath) })
	if i < 0 {
		c.fail("org.bluez.Error.DoesNotExist", "Does Not Exist")
		return
	}
	f(z.agents[i])
	c.reply()
}

// removeAgent is agent_disconnect in src/agent.c. The next agent in the list becomes
// the default; without one, adapters are not pairable.
func (z *BlueZ) removeAgent(a *Agent) {
	z.agents = slices.DeleteFunc(z.agents, func(b *Agent) bool { return b == a })
	if len(z.agents) == 0 {
		z.setPairable(false)
	}
}

// setPairable is adapter_set_io_capability in src/adapter.c.
func (z *BlueZ) setPairable(on bool) {
	for _, a := range z.adapters() {
		if a.powered() {
			a.change(adapterInterface, map[string]any{"Pairable": on})
		}
	}
}
