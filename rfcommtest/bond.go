package rfcommtest

import (
	"fmt"
	"slices"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
)

// Unpair removes the bond of the two adapters at the given controllers, or at
// both if at is empty. If there was one, it also ends their ACL link.
//
// Everything else remains as after Pair: the adapters use Secure Simple Pairing,
// and the radio is their agent. The next link between the two therefore pairs
// them again, without user interaction. To make that fail, switch simple pairing
// off at one end, and give the two different PINs.
//
// Unpair panics if a controller does not belong to the link. It requires
// CAP_NET_ADMIN.
func (l *Link) Unpair(at ...*Controller) error {
	l.mustHave("Unpair", at...)
	return l.withAdapters("unpair", func(agent *adapter.Agent) error {
		a, b := l.controllers[0], l.controllers[1]
		for _, end := range []struct{ c, other *Controller }{{a, b}, {b, a}} {
			if len(at) != 0 && !slices.Contains(at, end.c) {
				continue
			}
			if err := agent.Unpair(end.c.adapter(), end.other.address()); err != nil {
				return err
			}
			end.c.locked(func() { end.c.core.Unpaired(end.other.address()) })
		}
		return nil
	})
}

// SpoilKey replaces the link key of one end by a wrong one, so that the
// authentication of the next link between the two fails. It does not affect the
// current link. The next pairing of the two makes a new key at both ends.
//
// SpoilKey returns an error if the controller is unplugged, or if its adapter
// has no key for the other end. Keys that a program has stored and loaded again
// count once a link has used them. SpoilKey panics if the controller does not
// belong to the link.
func (l *Link) SpoilKey(at *Controller) error {
	l.mustHave("SpoilKey", at)
	other := l.controllers[0]
	if other == at {
		other = l.controllers[1]
	}
	at.mu.Lock()
	defer at.mu.Unlock()
	if err := at.usable(); err != nil {
		return err
	}
	l.radio.radio.Lock()
	defer l.radio.radio.Unlock()
	if !at.core.SpoilKey(other.address()) {
		return fmt.Errorf("rfcommtest: spoil the key of %s: it has no bond with %s; call Pair first", at.Addr(), other.Addr())
	}
	return nil
}

// withAdapters calls do with the radio's agent while both controllers keep their
// adapters: the kernel could give the index of a removed adapter to one that
// does not belong to the radio. It returns an error if one is unplugged.
func (l *Link) withAdapters(action string, do func(*adapter.Agent) error) error {
	a, b := l.controllers[0], l.controllers[1]
	first, second := a, b
	if b.number < a.number {
		first, second = b, a
	}
	first.mu.Lock()
	defer first.mu.Unlock()
	second.mu.Lock()
	defer second.mu.Unlock()
	for _, c := range l.controllers {
		if err := c.usable(); err != nil {
			return err
		}
	}
	agent, err := l.radio.pairingAgent()
	if err == nil {
		err = do(agent)
	}
	if err != nil {
		return fmt.Errorf("rfcommtest: %s %s with %s: %w", action, a.Addr(), b.Addr(), err)
	}
	return nil
}
