//go:build linux

package main

import (
	"errors"
	"fmt"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// pair bonds the two adapters by Secure Simple Pairing. It replaces an earlier
// bond.
func (l *lab) pair() error {
	l.paired = true
	if err := l.setSimplePairing(true); err != nil {
		return err
	}
	return l.link().Pair()
}

// unpair replaces the two adapters by new ones, which have never paired.
// Link.Unpair would not be enough: the kernel keeps an adapter under the control
// of the management interface, and from then on asks an agent about its
// pairings.
func (l *lab) unpair() error {
	if !l.paired {
		return nil
	}
	// A new adapter has simple pairing off, so Plug leaves it as it is.
	if err := l.setSimplePairing(false); err != nil {
		return err
	}
	if err := l.replace(); err != nil {
		return err
	}
	l.paired = false
	return nil
}

// setSimplePairing turns Secure Simple Pairing of both adapters on or off.
func (l *lab) setSimplePairing(on bool) error {
	return l.both(func(c *rfcommtest.Controller) error { return c.SetSimplePairing(on) })
}

// errNotPaired is the error of a request that requires a bond.
var errNotPaired = errors.New("the adapters are not paired; pair them first")

// spoilKey gives an adapter a wrong link key, so that authentication fails.
func (l *lab) spoilKey(number int) error {
	if !l.paired {
		return errNotPaired
	}
	return l.link().SpoilKey(l.radio.Controllers()[number])
}

// simplePairing turns Secure Simple Pairing on or off for both adapters.
func (l *lab) simplePairing(arguments []string) error {
	if len(arguments) != 1 || arguments[0] != "on" && arguments[0] != "off" {
		return fmt.Errorf("simplepairing needs on or off")
	}
	if !l.paired {
		return errNotPaired
	}
	return l.setSimplePairing(arguments[0] == "on")
}
