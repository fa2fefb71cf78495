package rfcomm

import (
	"context"
	"sync"
)

// A pendingSocket is a socket whose connection the kernel is establishing.
type pendingSocket interface {
	AwaitConnected() error
	CloseContext(context.Context) error
}

// abandoned holds the sockets of this process's abandoned dials.
var abandoned abandonedDials

// abandonedDials keeps the sockets of abandoned dials open until the kernel has
// connected them or has given up. A dial is abandoned if its context is done
// while the kernel is connecting its socket.
//
// If such a socket were closed at once, the kernel would still page the device,
// for an RFCOMM session without a connection. That session expires after 2 s
// (rfcomm_session_timeout sets it to BT_DISCONN). If the link is established
// later, the kernel leaves the session in that state, and every dial over it
// waits for its own timeout.
type abandonedDials struct {
	mu      sync.Mutex
	sockets map[pendingSocket]dialedPath
}

// A dialedPath is the adapter of a dial, or zero for any adapter, and the
// remote address.
type dialedPath struct {
	local  BDAddr
	remote Addr
}

// overlaps reports whether the kernel may treat the two paths as the same. It
// permits one connection at a time from an adapter to a channel of a device.
func (p dialedPath) overlaps(q dialedPath) bool {
	return p.remote == q.remote && (p.local == q.local || p.local.IsZero() || q.local.IsZero())
}

// keep takes ownership of the socket. The socket is closed once the kernel has
// connected it or given up, or as soon as another dial of the path begins. It
// is not closed when the link is established, because the session can still be
// waiting for pairing.
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
// not make it busy. The session remains usable if the new socket is connected
// immediately afterwards. end stops waiting for close(2) when ctx is done.
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

// closeAbandoned closes a socket and records the close, because the session
// closes with the socket and the kernel can refuse a dial meanwhile.
func closeAbandoned(ctx context.Context, path dialedPath, socket pendingSocket) {
	socket.CloseContext(ctx)
	conns.justClosed(path.remote.Device)
}
