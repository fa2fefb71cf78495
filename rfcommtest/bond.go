package rfcommtest

import (
	"fmt"
	"slices"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
)

// Unpair removes the bond of the two adapters at the given controllers, or at
// both if at is empty. If there was one, it also ends their ACL link. An adapter
// without a bond, and a controller that is unplugged, stay as they are.
//
// If one end has kept its key, the authentication of the next link fails, and a
// dial at SecurityMedium returns EACCES or EBADE.
//
// Everything else remains as after Pair: the adapters use Secure Simple Pairing,
// and the radio is their agent. If neither end has a key, the next link
// therefore pairs them again, without user interaction. To make that fail,
// switch simple pairing off at one end, and give the two different PINs.
//
// Unpair returns an error if an adapter is down. It panics if a controller does
// not belong to the link. It requires CAP_NET_ADMIN.
func (l *Link) Unpair(at ...*Controller) error {
	l.mustHave("Unpair", at...)
	defer l.lock()()
	a, b := l.controllers[0], l.controllers[1]
	for _, end := range []struct{ c, other *Controller }{{a, b}, {b, a}} {
		if len(at) != 0 && !slices.Contains(at, end.c) {
			continue
		}
		if err := end.c.forget(end.other); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the adapter's bond with another. c.mu is held.
func (c *Controller) forget(other *Controller) error {
	err := c.usable()
	if err == errUnplugged {
		return nil
	}
	if err != nil {
		return err
	}
	agent, err := c.radio.pairingAgent()
	if err == nil {
		err = agent.Unpair(c.adapter(), other.address())
	}
	if err != nil {
		return fmt.Errorf("rfcommtest: unpair %s from %s: %w", c.Addr(), other.Addr(), err)
	}
	c.locked(func() { c.core.Unpaired(other.address()) })
	return nil
}

// SpoilKey replaces the link key of one end by a wrong one, so that the
// authentication of the next link between the two fails. It does not affect the
// current link. The next pairing of the two makes a new key at both ends.
//
// SpoilKey returns an error if the controller is unplugged, or if its adapter
// has no key for the other end. If a program such as bluetoothd has loaded a
// stored key into the adapter, SpoilKey finds that key only after a link has used
// it. SpoilKey panics if the controller does not belong to the link.
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
// adapters. It returns an error if one is unplugged.
func (l *Link) withAdapters(action string, do func(*adapter.Agent) error) error {
	defer l.lock()()
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
		return fmt.Errorf("rfcommtest: %s %s with %s: %w", action, l.controllers[0].Addr(), l.controllers[1].Addr(), err)
	}
	return nil
}

// lock keeps the adapters of both controllers in place until unlock is called:
// the kernel could give the index of a removed adapter to one that does not
// belong to the radio.
func (l *Link) lock() (unlock func()) {
	first, second := l.controllers[0], l.controllers[1]
	if second.number < first.number {
		first, second = second, first
	}
	first.mu.Lock()
	second.mu.Lock()
	return func() {
		second.mu.Unlock()
		first.mu.Unlock()
	}
}
