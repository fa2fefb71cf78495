package bluez

import "sync"

// heldEvents is a watcher that holds events back until the objects are known to
// which they apply. Events that are older than the objects do no harm: those of
// one object come in order, so that the last one leaves the current state.
type heldEvents struct {
	apply func(event)

	mu    sync.Mutex
	ready bool
	held  []event
}

// receive is the watcher.
func (h *heldEvents) receive(e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ready {
		h.apply(e)
	} else {
		h.held = append(h.held, e)
	}
}

// follow calls begin, which records the objects, and applies the events so far
// and from now on.
func (h *heldEvents) follow(begin func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	begin()
	for _, e := range h.held {
		h.apply(e)
	}
	h.ready, h.held = true, nil
}
