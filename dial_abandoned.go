package rfcomm

import (
	"context"
	"sync"
)

// A pendingSocket is a socket that the kernel is connecting.
type pendingSocket interface {
	AwaitConnected() error
	CloseContext(context.Context) error
}

// abandoned holds the sockets of this process's dials that their contexts
// ended while the kernel was connecting them.
var abandoned abandonedDials

// abandonedDials keeps the sockets of abandoned dials open until the kernel has
// connected them or has given up.
//
// If they were closed at once, the kernel would still page the device, for an
// RFCOMM session without a connection. That session expires after 2 s
// (rfcomm_session_timeout sets it to BT_DISCONN). If the link comes up
// later, the kernel leaves the session in that state, and every dial over it
// waits for its own timeout.
type abandonedDials struct {
	mu      sync.Mutex
	sockets map[pendingSocket]dialedPath
}

// A dialedPath is the adapter of a dial, which is zero if any, and its remote
// address.
type dialedPath struct {
	local  BDAddr
	remote Addr
}

// overlaps reports whether the kernel can take the two for one: it allows one
// connection at a time from an adapter to a channel of a device.
func (p dialedPath) overlaps(q dialedPath) bool {
	return p.remote == q.remote && (p.local == q.local || p.local.IsZero() || q.local.IsZero())
}

// keep takes the socket over. It closes the socket once the kernel has
// connected it or given up, or as soon as another dial of the path begins. That
// the link is up changes nothing: the session can still wait for pairing.
func (a *abandonedDials) keep(path dialedPath, socket pendingSocket) {
	a.mu.Lock()
	if a.sockets == nil {
		a.sockets = make(map[pendingSocket]dialedPath)
	}
	a.sockets[socket] = path
	a.mu.Unlock()
	go func() {
		socket.AwaitConnected()
		a.mu.Lock()
		delete(a.sockets, socket)
		a.mu.Unlock()
		closeAbandoned(context.Background(), path, socket)
	}()
}

// end closes the sockets of a path that is about to be dialed, so that they do
// not make it busy. The session stays usable if the new socket is connected
// right after. It waits for close(2) no longer than until ctx is done.
func (a *abandonedDials) end(ctx context.Context, path dialedPath) {
	var ended []pendingSocket
	a.mu.Lock()
	for socket, other := range a.sockets {
		if path.overlaps(other) {
			ended = append(ended, socket)
			delete(a.sockets, socket)
		}
	}
	a.mu.Unlock()
	for _, socket := range ended {
		closeAbandoned(ctx, path, socket)
	}
}

// closeAbandoned closes a socket and notes that: the session closes with it, and
// the kernel can refuse a dial meanwhile.
func closeAbandoned(ctx context.Context, path dialedPath, socket pendingSocket) {
	socket.CloseContext(ctx)
	conns.justClosed(path.remote.Device)
}
