package bluez

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// Pair pairs with the device and makes a bond: both devices keep the key. The
// agent answers the questions of this pairing alone, and the capability is its
// own.
//
// A nil agent, whose capability must be empty, stands for the agent that
// [Client.RegisterAgent] has registered with the Client or, without one, for the
// default agent of the machine, such as that of a desktop. If there is none
// either, questions are refused.
//
// Devices with Secure Simple Pairing ask nothing if one of the two has the
// capability [NoInputNoOutput] ("just works"): the call of Pair is the consent.
//
// If ctx ends, Pair ends the pairing and the link, and returns an error that
// matches that of ctx. It does not remove a bond that has been made in the same
// moment; see [Device.Properties]. Without an answer, the pairing itself ends
// after about 30 s, and the error matches [ErrAuthTimeout].
//
// If the user of the device or the agent refuses, the error matches
// [ErrAuthFailed], as for a wrong number. It also matches the error of the
// agent.
//
// When the devices have paired, bluetoothd reads the services of the device
// before Pair returns. When Pair has returned, no method of the agent runs any
// more.
func (d *Device) Pair(ctx context.Context, agent Agent, capability Capability) error {
	answering, err := d.client().pairingAgent(agent, capability)
	if err != nil {
		return err
	}
	return d.client().within(ctx, "Pair", d.address.String(), func(ctx context.Context) error {
		return d.pair(ctx, answering)
	})
}

// pair is Pair with the agent that answers.
func (d *Device) pair(ctx context.Context, answering pairingAgent) error {
	o, err := d.object(ctx)
	if err != nil {
		return err
	}
	p := &pairing{device: d, path: o.path}
	defer p.close()
	if err := p.prepare(ctx, answering); err != nil {
		return err
	}
	_, err = p.conn.call(ctx, p.path, deviceInterface+".Pair")
	return p.explain(err)
}

// A pairingAgent is the agent of a pairing. It is zero if the default agent of the
// machine is to answer.
type pairingAgent struct {
	Agent
	capability Capability
	gate       *agentGate
}

// pairingAgent returns the agent of a pairing.
func (c *Client) pairingAgent(agent Agent, capability Capability) (pairingAgent, error) {
	if agent != nil {
		return pairingAgent{agent, capability, newAgentGate()}, capability.check()
	}
	if capability != "" {
		return pairingAgent{}, fmt.Errorf("bluez: Pair: capability %q without an agent; a nil agent has none", string(capability))
	}
	if r := c.agents.get(); r != nil {
		return pairingAgent{r.agent, r.capability, r.gate}, nil
	}
	return pairingAgent{}, nil
}

// A pairing is a call of Pair. It has connections of its own to the bus:
// bluetoothd ends a pending pairing when the connection that began it closes
// (create_bond_req_exit in src/device.c). Unlike CancelPairing, that does not
// remove a bond if the pairing has succeeded in the meantime.
type pairing struct {
	device *Device
	path   dbus.ObjectPath
	guard  *guard
	conn   *Client
	server *agentServer // of the agent; nil if the machine's default agent answers
}

// prepare opens the connections and registers the agent, if there is one.
func (p *pairing) prepare(ctx context.Context, a pairingAgent) (err error) {
	if p.guard, err = newGuard(ctx); err != nil {
		return err
	}
	if p.conn, err = Connect(ctx); err != nil || a.Agent == nil {
		return err
	}
	p.server = p.conn.newAgentServer(ctx, withoutServices{a.Agent}, a.gate, p.own)
	p.conn.export(agentPath, agentInterface, p.server.methods())
	return p.conn.registerAgent(ctx, a.capability, false)
}

// withoutServices is an Agent that does not answer for services, since no
// pairing asks about them.
type withoutServices struct{ Agent }

func (withoutServices) AuthorizeService(context.Context, *Device, sdp.UUID) error { return errForeign }

// own returns the Device of a request. It refuses the requests that the pairing
// did not cause.
func (p *pairing) own(_ context.Context, path dbus.ObjectPath) (*Device, error) {
	if path != p.path {
		return nil, errForeign
	}
	return p.device, nil
}

// errNoAgent is the reason why a pairing without an agent failed.
var errNoAgent = errors.New("the machine has no default agent to answer questions; pass an agent to Pair")

// explain adds the refusal of an agent to an error: bluetoothd does not tell who
// refused.
func (p *pairing) explain(err error) error {
	if err == nil {
		return nil
	}
	if p.server == nil && p.guard.refusedFor(p.path) {
		return fmt.Errorf("%w; %w", err, errNoAgent)
	}
	if p.server != nil {
		if refused := p.server.refused(); refused != nil {
			return fmt.Errorf("%w; the agent refused: %w", err, refused)
		}
	}
	return err
}

// close ends the pairing if it is pending, and then the guard, so that the agent
// of the pairing does not become the default agent in between.
func (p *pairing) close() {
	if p.server != nil {
		p.server.end()
		p.conn.unregisterAgent()
	}
	if p.conn != nil {
		p.conn.Close()
	}
	if p.guard != nil {
		p.guard.conn.Close()
	}
}
