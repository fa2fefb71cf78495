package rfcomm

import (
	"sync"
	"time"
	"weak"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A heldConn describes a connection that this process holds. It must not refer
// to the Conn: the registry would keep a forgotten one from being closed.
type heldConn struct {
	local, remote Addr
	dialed        bool // by a Dialer; not accepted, nor from FileConn
	socket        weak.Pointer[btsocket.Socket]

	// Guarded by the registry's mutex: whether Shutdown is closing the
	// connection, and the handle of the link, if the kernel has checked that
	// the link has SecurityHigh.
	closing bool
	handle  uint16
	high    bool
}

// open reports whether the connection has not ended. The kernel keeps nothing
// busy for one that has.
func (h *heldConn) open() bool {
	socket := h.socket.Value()
	return socket != nil && socket.Connected()
}

// A connRegistry holds this process's connections and when it last closed one
// to a device. A dial uses it to tell its own process's connections from those
// of others, for which the kernel returns the same errno.
type connRegistry struct {
	mu     sync.Mutex
	held   map[*heldConn]struct{}
	closed map[BDAddr]time.Time
}

// conns is the registry of this process.
var conns connRegistry

// add registers a connection.
func (r *connRegistry) add(h *heldConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(map[*heldConn]struct{})
	}
	r.held[h] = struct{}{}
}

// markClosing notes that Shutdown is closing a connection, which can take long.
func (r *connRegistry) markClosing(h *heldConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.closing = true
}

// closing reports whether Shutdown is closing a connection that this process
// has dialed, as dialed matches them.
func (r *connRegistry) closing(local BDAddr, remote Addr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for h := range r.held {
		if h.closing && h.dialedTo(local, remote) {
			return true
		}
	}
	return false
}

// dialedTo reports whether the connection was dialed to remote, from the local
// adapter, or from any if that is zero.
func (h *heldConn) dialedTo(local BDAddr, remote Addr) bool {
	return h.dialed && h.remote == remote && (local.IsZero() || h.local.Device == local)
}

// remove takes a connection out that is about to be closed, or was forgotten.
// It does nothing if that has happened before.
func (r *connRegistry) remove(h *heldConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.held[h]; ok {
		delete(r.held, h)
		r.noteClosed(h.remote.Device)
	}
}

// justClosed notes that a connection to the device was closed.
func (r *connRegistry) justClosed(device BDAddr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteClosed(device)
}

// noteClosed is justClosed with the mutex held. It forgets closes that are too
// old to matter.
func (r *connRegistry) noteClosed(device BDAddr) {
	now := time.Now()
	for other, at := range r.closed {
		if now.Sub(at) > recentFor {
			delete(r.closed, other)
		}
	}
	if r.closed == nil {
		r.closed = make(map[BDAddr]time.Time)
	}
	r.closed[device] = now
}

// recentlyClosed reports whether a connection to the device was closed in the
// last recentFor.
func (r *connRegistry) recentlyClosed(device BDAddr) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.closed[device]
	return ok && time.Since(at) <= recentFor
}

// dialed reports whether this process has an open connection that it dialed to
// remote, from the local adapter, or from any if that is zero. The kernel
// permits one for each pair of adapters, channel and direction.
func (r *connRegistry) dialed(local BDAddr, remote Addr) bool {
	return r.find(func(h *heldConn) bool {
		return h.dialedTo(local, remote) && !h.closing
	})
}

// highOver reports whether this process has an open connection over the link
// of that handle for which the kernel has checked that it has SecurityHigh.
//
// A controller gives the handle of a link that is gone to the next one. That
// the connection is open still shows that the link is the same.
func (r *connRegistry) highOver(local, device BDAddr, handle uint16) bool {
	return r.find(func(h *heldConn) bool {
		return h.high && h.handle == handle && h.local.Device == local && h.remote.Device == device
	})
}

// markHigh notes that the kernel has checked that the link of that handle,
// over which the connection runs, has SecurityHigh.
func (r *connRegistry) markHigh(h *heldConn, handle uint16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.high, h.handle = true, handle
}

// find reports whether an open connection matches.
func (r *connRegistry) find(matches func(*heldConn) bool) bool {
	r.mu.Lock()
	var found []*heldConn
	for h := range r.held {
		if matches(h) {
			found = append(found, h)
		}
	}
	r.mu.Unlock()
	for _, h := range found { // without the lock: open makes system calls
		if h.open() {
			return true
		}
	}
	return false
}
