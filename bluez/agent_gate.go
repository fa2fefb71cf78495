package bluez

import (
	"context"
	"errors"
)

// An agentGate passes requests to an agent one at a time, also if they come from
// several pairings, until it is closed.
type agentGate struct {
	turn   chan struct{} // holds an element while a request is answered, and after close
	closed context.Context
	end    context.CancelFunc
}

func newAgentGate() *agentGate {
	g := &agentGate{turn: make(chan struct{}, 1)}
	g.closed, g.end = context.WithCancel(context.Background())
	return g
}

// errAgentClosed is the answer to requests after the registration has ended.
var errAgentClosed = errors.New("the registration of the agent has ended")

// pass waits for the turn of a request, and calls f with a context that close ends
// as well.
func (g *agentGate) pass(ctx context.Context, f func(context.Context) error) error {
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-g.closed.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	if g.closed.Err() != nil {
		return errAgentClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.closed, cancel)()
	err := f(ctx)
	if g.closed.Err() != nil {
		return errAgentClosed // whatever the agent has answered since
	}
	return err
}

// close ends the requests. When it returns, no function runs any more. It is called
// once.
func (g *agentGate) close() {
	g.end()
	g.turn <- struct{}{}
}
