//go:build linux

package main

import (
	"errors"
	"fmt"

	"github.com/go-rfcomm/rfcomm/internal/mgmt"
)

// pair bonds the two adapters. If they have a bond already, it first replaces
// them by new adapters.
func (l *lab) pair() error {
	if l.mgmt != nil {
		if err := l.replace(); err != nil {
			return err
		}
	} else {
		m, err := mgmt.Open()
		if err != nil {
			return err
		}
		l.mgmt = m
	}
	var adapters [2]mgmt.Adapter
	for number, c := range l.radio.Controllers() {
		index, err := l.index(number)
		if err != nil {
			return err
		}
		adapters[number] = mgmt.Adapter{Index: index, Address: c.Addr()}
	}
	return l.mgmt.Pair(adapters[0], adapters[1], mgmt.JustWorks)
}

// unpair replaces the two adapters by new ones, which have never paired.
// Removing the bond would not be enough: the kernel keeps an adapter under the
// control of the management interface, and from then on asks an agent about its
// pairings.
func (l *lab) unpair() error {
	if l.mgmt == nil {
		return nil
	}
	if err := l.replace(); err != nil {
		return err
	}
	err := l.mgmt.Close()
	l.mgmt = nil
	return err
}

// errNotPaired is the error of a request that requires a bond.
var errNotPaired = errors.New("the adapters are not paired; pair them first")

// spoilKey gives an adapter a link key that differs from the other adapter's,
// so that authentication fails.
func (l *lab) spoilKey(number int) error {
	if l.mgmt == nil {
		return errNotPaired
	}
	index, err := l.index(number)
	if err != nil {
		return err
	}
	return l.mgmt.LoadKey(index, l.radio.Controllers()[1-number].Addr(), [16]byte{0xFF})
}

// simplePairing turns Secure Simple Pairing on or off for both adapters.
func (l *lab) simplePairing(arguments []string) error {
	if len(arguments) != 1 || arguments[0] != "on" && arguments[0] != "off" {
		return fmt.Errorf("simplepairing needs on or off")
	}
	if l.mgmt == nil {
		return errNotPaired
	}
	for number := range l.radio.Controllers() {
		index, err := l.index(number)
		if err != nil {
			return err
		}
		if err := l.mgmt.SetSimplePairing(index, arguments[0] == "on"); err != nil {
			return fmt.Errorf("adapter %d: %w", number, err)
		}
	}
	return nil
}
