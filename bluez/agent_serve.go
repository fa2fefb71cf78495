package bluez

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/sdp"
)

const (
	agentInterface = "org.bluez.Agent1"

	// agentPath is the path of the agent of a connection, which has at most one
	// (register_agent in src/agent.c).
	agentPath = dbus.ObjectPath("/rfcomm/agent")
)

// An agentServer passes bluetoothd's requests to an Agent, one at a time.
type agentServer struct {
	agent  Agent
	gate   *agentGate
	device func(context.Context, dbus.ObjectPath) (*Device, error) // refuses devices that are not the agent's business

	base     context.Context
	end      context.CancelFunc
	requests *mailbox[*agentRequest]
	done     chan struct{}

	mu       sync.Mutex
	current  context.Context // of the requests since the last Cancel
	withdraw context.CancelFunc
	refusal  error // of the last request that the agent refused
}

// An agentRequest is a call of a method of Agent1.
type agentRequest struct {
	*message
	ctx  context.Context // ends with Cancel
	call func(ctx context.Context, d *Device, args []any) ([]any, error)
}

// newAgentServer starts a server. Its requests end with ctx and with the Client,
// whose Close waits for the agent's methods.
func (c *Client) newAgentServer(ctx context.Context, agent Agent, gate *agentGate, device func(context.Context, dbus.ObjectPath) (*Device, error)) *agentServer {
	s := &agentServer{agent: agent, gate: gate, device: device, requests: newMailbox[*agentRequest](), done: make(chan struct{})}
	s.base, s.end = context.WithCancel(ctx)
	s.current, s.withdraw = context.WithCancel(s.base)
	stop := context.AfterFunc(c.ended, s.end)
	c.background(func() {
		s.run()
		stop()
	})
	return s
}

// stop ends all requests, and returns when the agent's methods have returned.
func (s *agentServer) stop() {
	s.end()
	<-s.done
}

// methods returns the methods of the agent's object.
func (s *agentServer) methods() methods {
	a := s.agent
	return methods{
		"RequestPinCode": s.method("o", func(ctx context.Context, d *Device, _ []any) ([]any, error) {
			pin, err := a.RequestPINCode(ctx, d)
			return []any{pin}, errors.Join(err, checkPIN(pin, err))
		}),
		"DisplayPinCode": s.method("os", func(ctx context.Context, d *Device, args []any) ([]any, error) {
			return nil, a.DisplayPINCode(ctx, d, args[0].(string))
		}),
		"RequestPasskey": s.method("o", func(ctx context.Context, d *Device, _ []any) ([]any, error) {
			passkey, err := a.RequestPasskey(ctx, d)
			return []any{passkey}, errors.Join(err, checkPasskey(passkey, err))
		}),
		"DisplayPasskey": s.method("ouq", func(ctx context.Context, d *Device, args []any) ([]any, error) {
			return nil, a.DisplayPasskey(ctx, d, args[0].(uint32), args[1].(uint16))
		}),
		"RequestConfirmation": s.method("ou", func(ctx context.Context, d *Device, args []any) ([]any, error) {
			return nil, a.ConfirmPasskey(ctx, d, args[0].(uint32))
		}),
		"RequestAuthorization": s.method("o", func(ctx context.Context, d *Device, _ []any) ([]any, error) {
			return nil, a.AuthorizePairing(ctx, d)
		}),
		"AuthorizeService": s.method("os", func(ctx context.Context, d *Device, args []any) ([]any, error) {
			service, err := sdp.ParseUUID(args[0].(string))
			if err != nil {
				return nil, err
			}
			return nil, a.AuthorizeService(ctx, d, service)
		}),
		"Cancel":  {signature: "", call: func(m *message) { s.cancel(); m.reply() }},
		"Release": {signature: "", call: func(m *message) { s.cancel(); m.reply() }},
	}
}

// method returns a method with a device as its first argument.
func (s *agentServer) method(signature string, call func(ctx context.Context, d *Device, args []any) ([]any, error)) method {
	return method{signature, func(m *message) {
		s.mu.Lock()
		ctx := s.current
		s.mu.Unlock()
		s.requests.put(&agentRequest{m, ctx, call})
	}}
}

// cancel ends the requests so far.
func (s *agentServer) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdraw()
	s.current, s.withdraw = context.WithCancel(s.base)
}

// run answers the requests until stop is called.
func (s *agentServer) run() {
	defer close(s.done)
	for {
		r, err := s.requests.next(s.base)
		if err != nil {
			return
		}
		s.answer(r)
	}
}

// answer asks the agent and passes on its answer.
func (s *agentServer) answer(r *agentRequest) {
	d, err := s.device(r.ctx, r.body[0].(dbus.ObjectPath))
	if err != nil {
		s.refuse(err)
		r.fail(errorRejected, err.Error())
		return
	}
	var values []any
	err = s.gate.pass(r.ctx, func(ctx context.Context) (err error) {
		values, err = r.call(ctx, d, r.body[1:])
		return err
	})
	switch {
	case r.ctx.Err() != nil:
		r.fail(errorCanceled, "the request ended before it was answered")
	case err == nil:
		r.reply(values...)
	default:
		s.refuse(err)
		r.fail(errorRejected, err.Error())
	}
}

func (s *agentServer) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = err
}

// refused returns the error of the last request that the agent refused, or nil.
func (s *agentServer) refused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusal
}

// checkPIN checks an agent's PIN, unless the agent has returned an error.
func checkPIN(pin string, err error) error {
	const longest = 16 // Core Specification, Volume 2, Part C, section 4.2.1
	if err == nil && (pin == "" || len(pin) > longest) {
		return fmt.Errorf("bluez: the PIN has %d bytes; valid are 1 to %d", len(pin), longest)
	}
	return nil
}

// checkPasskey checks an agent's passkey, unless the agent has returned an error.
func checkPasskey(passkey uint32, err error) error {
	const largest = 999999
	if err == nil && passkey > largest {
		return fmt.Errorf("bluez: passkey %d; valid are 0 to %d", passkey, largest)
	}
	return nil
}
