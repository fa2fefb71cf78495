package fakebus

import (
	"context"
	"slices"

	"github.com/godbus/dbus/v5"
)

// An Agent is a registration of AgentManager1.RegisterAgent.
type Agent struct {
	z          *BlueZ
	Owner      string // unique name of the client
	Path       dbus.ObjectPath
	Capability string
}

// Agents returns the registered agents. The first is the default agent.
func (z *BlueZ) Agents() []*Agent {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	return slices.Clone(z.agents)
}

// Call calls a method of the client's Agent1 object.
func (a *Agent) Call(ctx context.Context, method string, body ...any) ([]any, error) {
	return a.z.call(ctx, a.Owner, a.Path, agentInterface, method, body...)
}

func (z *BlueZ) agentManager(c *Call) {
	switch c.Member() + " " + c.signature() {
	case "RegisterAgent os":
		z.registerAgent(c, c.Body[0].(dbus.ObjectPath), c.Body[1].(string))
	case "UnregisterAgent o":
		z.withAgent(c, func(a *Agent) { z.removeAgent(a) })
	case "RequestDefaultAgent o":
		z.withAgent(c, func(a *Agent) {
			z.removeAgent(a)
			z.agents = slices.Insert(z.agents, 0, a)
		})
	default:
		c.unknown()
	}
}

// registerAgent is register_agent in src/agent.c: the first agent becomes the default
// agent, later ones are appended.
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

func (z *BlueZ) removeAgent(a *Agent) {
	z.agents = slices.DeleteFunc(z.agents, func(b *Agent) bool { return b == a })
}
