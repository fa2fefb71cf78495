package bluez

import (
	"context"
	"errors"
	"sync"
)

// AgentOptions are the options of [Client.RegisterAgent].
type AgentOptions struct {
	// Capability is the capability of the agent. It has no default.
	Capability Capability

	// Default makes the agent the default agent of the machine. It then answers
	// the questions of pairings that other devices begin, of pairings that a
	// dial at SecurityMedium or SecurityHigh causes, of other programs' pairings
	// without an agent, and of devices that connect to profiles. While a default
	// agent exists, the adapters are pairable, and its capability is that of
	// the adapters. Before, another program may have been the default agent,
	// such as a desktop; it is again when the registration ends.
	//
	// If Default is false, the agent answers only calls of [Device.Pair] of this
	// Client whose agent is nil, and bluetoothd does not know it.
	Default bool

	// Report, if not nil, is called with an error when bluetoothd has lost the
	// registration, because it ended, and with nil when it has it again. The
	// calls are in order and never concurrent. Report must not call Close of
	// the AgentRegistration or the Client.
	Report func(error)
}

// An AgentRegistration is the registration of an agent with a Client.
type AgentRegistration struct {
	client     *Client
	agent      Agent
	capability Capability
	gate       *agentGate // for all requests, those of pairings included

	server *agentServer // the fields from here on: only of a default agent
	keep   func()       // stops keeping the registration
	remove func()       // removes the exported object
	once   sync.Once
}

// RegisterAgent registers an agent until Close of the registration or of the
// Client. A Client has at most one agent; for a second one, the error matches
// [ErrRegistered]. The registration of a default agent survives a restart of
// bluetoothd.
//
// With the capability [NoInputNoOutput], a default agent is not asked about
// pairings: while the adapter is pairable, the kernel accepts each device that
// begins to pair (hci_user_confirm_request_evt). With any other capability, it
// is asked.
//
// A link keeps the capability that the adapter had when the link was opened
// (hci_conn_add), which is [NoInputNoOutput] before the first default agent. If a
// device has connected before the agent is registered, it can pair without a
// question until its link ends. Register the agent before devices can connect.
func (c *Client) RegisterAgent(ctx context.Context, agent Agent, o AgentOptions) (*AgentRegistration, error) {
	if agent == nil {
		return nil, errors.New("bluez: RegisterAgent: the agent is nil; RejectAll{} refuses all requests")
	}
	if err := o.Capability.check(); err != nil {
		return nil, err
	}
	r := &AgentRegistration{client: c, agent: agent, capability: o.Capability, gate: newAgentGate()}
	if !c.agents.replace(nil, r) {
		return nil, errSecondAgent
	}
	if o.Default {
		if err := r.register(ctx, o.Report); err != nil {
			r.abandon(ctx)
			return nil, err
		}
	}
	return r, nil
}

// errSecondAgent matches ErrRegistered.
var errSecondAgent error = &narrower{"bluez: RegisterAgent: the Client has an agent already; close its registration first, or use another Client", ErrRegistered}

// register makes the agent the default agent.
func (r *AgentRegistration) register(ctx context.Context, report func(error)) error {
	c := r.client
	r.server = c.newAgentServer(c.ended, r.agent, r.gate, c.deviceAt)
	r.remove = c.export(agentPath, agentInterface, r.server.methods())
	var err error
	r.keep, err = c.keep(ctx, registration{
		register: func(ctx context.Context) error { return c.registerAgent(ctx, r.capability, true) },
		changed: func(err error) {
			if err != nil {
				r.server.cancel() // bluetoothd does not wait for the answers any more
			}
			if report != nil {
				report(err)
			}
		},
	})
	if err != nil {
		r.remove()
		r.server.stop()
	}
	return err
}

// abandon makes bluetoothd forget an agent whose registration has failed here. It
// may have succeeded in bluetoothd after ctx has ended. Only then may the Client
// have another agent, which has the same path.
func (r *AgentRegistration) abandon(ctx context.Context) {
	forget := func() {
		r.client.unregisterAgent()
		r.client.agents.replace(r, nil)
	}
	if ctx.Err() != nil {
		r.client.background(forget)
		return
	}
	forget()
}

// Close ends the registration. When it has returned, no method of the agent
// runs any more, so a method must not call it.
func (r *AgentRegistration) Close() error {
	r.once.Do(func() {
		defer r.client.agents.replace(r, nil) // at the end, as another agent has the same path
		r.gate.close()
		if r.server == nil {
			return
		}
		r.keep()
		r.client.unregisterAgent()
		r.remove()
		r.server.stop()
	})
	return nil
}

// An agentSlot holds the agent of a Client, or none.
type agentSlot struct {
	mu    sync.Mutex
	agent *AgentRegistration
}

// get returns the agent, or nil.
func (s *agentSlot) get() *AgentRegistration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.agent
}

// replace reports false if old is not the agent.
func (s *agentSlot) replace(old, new *AgentRegistration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.agent != old {
		return false
	}
	s.agent = new
	return true
}

const agentManager = "org.bluez.AgentManager1"

// registerAgent registers the agent of the connection with bluetoothd.
func (c *Client) registerAgent(ctx context.Context, capability Capability, isDefault bool) error {
	if _, err := c.call(ctx, bluezPath, agentManager+".RegisterAgent", agentPath, string(capability)); err != nil {
		return err
	}
	if !isDefault {
		return nil
	}
	_, err := c.call(ctx, bluezPath, agentManager+".RequestDefaultAgent", agentPath)
	if err != nil && ctx.Err() == nil {
		c.unregisterAgent()
	}
	return err
}

// unregisterAgent makes bluetoothd forget the agent of the connection.
func (c *Client) unregisterAgent() {
	ctx, cancel := context.WithTimeout(c.ended, unregisterTime)
	defer cancel()
	c.call(ctx, bluezPath, agentManager+".UnregisterAgent", agentPath)
}
