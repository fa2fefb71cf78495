//go:build linux

package main

import "fmt"

// pair makes a bond between the two adapters: both ends of the kernel hold a
// link key then. From here on the adapters do Secure Simple Pairing, with which
// the kernel encrypts every link, whatever a socket asks for.
func (l *lab) pair() error {
	// btvirt mixes up who began an authentication once pairing was repeated on
	// one pair of controllers; fresh ones do not.
	if l.mgmt != nil {
		if err := l.replace(); err != nil {
			return err
		}
	}
	if err := l.manage(); err != nil {
		return err
	}
	var index [2]int
	for number := range adapterAddresses {
		i, err := adapterIndex(number)
		if err != nil {
			return err
		}
		index[number] = i
		if err := l.mgmt.bondable(i); err != nil {
			return fmt.Errorf("making adapter %d bondable: %w", number, err)
		}
	}
	before := [2]int{l.mgmt.keys(index[0]), l.mgmt.keys(index[1])}
	if err := l.mgmt.pair(index[0], adapterAddresses[1]); err != nil {
		return fmt.Errorf("pairing: %w", err)
	}
	err := eventually("both link keys", func() error {
		for number, i := range index {
			if l.mgmt.keys(i) == before[number] {
				return fmt.Errorf("adapter %d made none", number)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for number := range adapterAddresses {
		if err := checkConnectable(number); err != nil {
			return err
		}
	}
	return nil
}

// unpair leaves two adapters that never paired. Nothing less than new ones will
// do: the kernel does not take an adapter back from the management interface,
// and wants an agent for it from then on.
func (l *lab) unpair() error {
	if l.mgmt == nil {
		return nil
	}
	if err := l.replace(); err != nil {
		return err
	}
	err := l.mgmt.file.Close()
	l.mgmt = nil
	return err
}

// spoilKey gives an adapter another key than the one that both agreed on, so
// that authentication fails.
func (l *lab) spoilKey(number int) error {
	index, err := l.managedIndex(number)
	if err != nil {
		return err
	}
	return l.mgmt.loadKey(index, adapterAddresses[1-number], [16]byte{0xFF})
}

// simplePairing turns Secure Simple Pairing on or off for both adapters. The
// keys stay. Without it a link is encrypted only when a socket asks for it.
func (l *lab) simplePairing(arguments []string) error {
	var value byte
	switch {
	case len(arguments) == 1 && arguments[0] == "on":
		value = 1
	case len(arguments) == 1 && arguments[0] == "off":
	default:
		return fmt.Errorf("simplepairing needs on or off")
	}
	for number := range adapterAddresses {
		index, err := l.managedIndex(number)
		if err != nil {
			return err
		}
		if err := l.mgmt.command(mgmtSetSimplePair, index, value); err != nil {
			return fmt.Errorf("adapter %d: %w", number, err)
		}
	}
	return nil
}

// managedIndex returns the index of an adapter that pair has prepared.
func (l *lab) managedIndex(number int) (int, error) {
	if l.mgmt == nil {
		return 0, fmt.Errorf("the adapters are not paired; pair them first")
	}
	return adapterIndex(number)
}

// manage opens the management socket, whose agent answers from then on.
func (l *lab) manage() error {
	if l.mgmt != nil {
		return nil
	}
	m, err := openMgmt()
	if err == nil {
		l.mgmt = m
	}
	return err
}
