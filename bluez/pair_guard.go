package bluez

import (
	"context"
	"errors"
	"sync"

	"github.com/godbus/dbus/v5"
)

// errForeign is the answer to a request that a pairing did not cause.
var errForeign = errors.New("this program does not answer for other pairings")

// A guard is an agent that refuses all requests, on a connection of its own.
// bluetoothd makes the agent that is registered first the default agent
// (register_agent in src/agent.c). During a pairing, that is the guard: unless
// the machine has a default agent, the agent of the pairing itself would be
// asked about other devices. Worse, with the capability NoInputNoOutput nobody
// would be asked: the kernel then accepts each device that begins to pair.
type guard struct {
	conn *Client

	mu      sync.Mutex
	refused map[dbus.ObjectPath]bool // devices with a request that it refused
}

// newGuard registers a guard.
func newGuard(ctx context.Context) (*guard, error) {
	conn, err := Connect(ctx)
	if err != nil {
		return nil, err
	}
	g := &guard{conn: conn, refused: make(map[dbus.ObjectPath]bool)}
	server := conn.newAgentServer(conn.ended, RejectAll{}, newAgentGate(), g.refuse)
	conn.export(agentPath, agentInterface, server.methods())
	if err := conn.registerAgent(ctx, DisplayYesNo, false); err != nil {
		conn.Close()
		return nil, err
	}
	return g, nil
}

// refuse refuses a request about a device.
func (g *guard) refuse(_ context.Context, path dbus.ObjectPath) (*Device, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused[path] = true
	return nil, errForeign
}

// refusedFor reports whether the guard has refused a request about a device.
func (g *guard) refusedFor(path dbus.ObjectPath) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused[path]
}
