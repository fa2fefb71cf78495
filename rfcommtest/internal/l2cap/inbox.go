package l2cap

import (
	"bytes"
	"sync"
)

// An inbox queues packets of the controller. It has no limit, because the
// controller delivers them with the radio's lock held.
type inbox struct {
	mu      sync.Mutex
	arrived sync.Cond
	packets [][]byte
	closed  bool
}

func newInbox() *inbox {
	b := new(inbox)
	b.arrived.L = &b.mu
	return b
}

// put adds a copy of a packet.
func (b *inbox) put(packet []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packets = append(b.packets, bytes.Clone(packet))
	b.arrived.Signal()
}

// wait waits for a packet. It returns false when the inbox is closed.
func (b *inbox) wait() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.packets) == 0 && !b.closed {
		b.arrived.Wait()
	}
	return !b.closed
}

// take removes the oldest packet, if there is one.
func (b *inbox) take() (packet []byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.packets) == 0 {
		return nil, false
	}
	packet, b.packets = b.packets[0], b.packets[1:]
	return packet, true
}

func (b *inbox) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packets = nil
}

func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.arrived.Broadcast()
}
