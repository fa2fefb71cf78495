package rfcomm

import (
	"sync"
	"time"
	"weak"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A heldConn describes a connection that this process holds. It must not refer
// to the Conn, because the registry would then keep a forgotten Conn from being
// collected and closed.
type heldConn struct {
	local, remote Addr
	dialed        bool // by a Dialer or at a Profile's request, rather than accepted or from FileConn
	socket        weak.Pointer[btsocket.Socket]

	// The following fields are guarded by the registry's mutex.
	closing bool   // Shutdown is closing the connection
	high    bool   // the kernel has checked that the link has SecurityHigh
	handle  uint16 // of that link
}

// open reports whether the connection has not ended. A connection that has
// ended no longer makes its channel busy.
func (h *heldConn) open() bool {
	socket := h.socket.Value()
	return socket != nil && socket.Connected()
}

// A connRegistry holds the connections of this process and, for each device,
// the time of the last close. A dial uses it to distinguish connections of this
// process from those of other programs, for which the kernel returns the same
// errno.
type connRegistry struct {
	mu     sync.Mutex
	held   map[*heldConn]struct{}
	closed map[BDAddr]time.Time
}

// conns is the registry of this process.
var conns connRegistry

// recentFor is the time after a close of this process during which the close
// may be the reason for a refused dial.
const recentFor = 3 * time.Second

// add registers a connection.
func (r *connRegistry) add(h *heldConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = make(map[*heldConn]struct{})
	}
	r.held[h] = struct{}{}
}

// markClosing records that Shutdown is closing a connection, which can take
// long.
func (r *connRegistry) markClosing(h *heldConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.closing = true
}

// closing reports whether Shutdown is closing a connection that this process
// dialed to remote, from the local adapter, or from any adapter if local is
// zero.
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
// adapter, or from any adapter if local is zero.
func (h *heldConn) dialedTo(local BDAddr, remote Addr) bool {
	return h.dialed && h.remote == remote && (local.IsZero() || h.local.Device == local)
}

// remove removes a connection that is about to be closed or was collected. It
// does nothing if the connection was removed before.
func (r *connRegistry) remove(h *heldConn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.held[h]; ok {
		delete(r.held, h)
		r.noteClosed(h.remote.Device)
	}
}

// justClosed records that a connection to the device was closed.
func (r *connRegistry) justClosed(device BDAddr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteClosed(device)
}

// noteClosed is justClosed with the mutex held. It drops closes older than
// recentFor.
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
// remote, from the local adapter, or from any adapter if local is zero. The
// kernel permits one for each pair of adapters, channel and direction. A
// connection that Shutdown is closing does not count.
func (r *connRegistry) dialed(local BDAddr, remote Addr) bool {
	return r.find(func(h *heldConn) bool {
		return h.dialedTo(local, remote) && !h.closing
	})
}

// highOver reports whether this process has an open connection over the link
// with the given handle, and the kernel has checked that the link has
// SecurityHigh.
//
// A controller reuses the handle of a link that has ended. Since the connection
// is still open, the handle still belongs to the same link.
func (r *connRegistry) highOver(local, device BDAddr, handle uint16) bool {
	return r.find(func(h *heldConn) bool {
		return h.high && h.handle == handle && h.local.Device == local && h.remote.Device == device
	})
}

// markHigh records that the kernel has checked that the connection's link,
// which has the given handle, has SecurityHigh.
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
