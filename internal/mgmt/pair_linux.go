package mgmt

import (
	"errors"
	"fmt"
	"slices"
)

// An Association is how two adapters pair: an association model of Secure
// Simple Pairing (Volume 1, Part A, section 5.2.4), or legacy pairing with a
// PIN.
type Association uint8

// The associations.
const (
	JustWorks Association = iota
	NumericComparison
	PasskeyEntry // the first adapter shows the passkey
	LegacyPIN    // one of the adapters must have Secure Simple Pairing off
)

// capabilities holds the capabilities of two adapters that lead to an
// association (Volume 3, Part C, section 5.2.2.6).
var capabilities = map[Association][2]IOCapability{
	JustWorks:         {NoInputNoOutput, NoInputNoOutput},
	NumericComparison: {DisplayYesNo, DisplayYesNo},
	PasskeyEntry:      {DisplayOnly, KeyboardOnly},
	LegacyPIN:         {NoInputNoOutput, NoInputNoOutput},
}

// bondable makes an adapter pair with every device that asks, and keeps it
// connectable. If simplePairing is false, it leaves Secure Simple Pairing as it
// is.
func (m *Socket) bondable(a Adapter, simplePairing bool, capability IOCapability) error {
	err := m.Manage(a)
	if err == nil && simplePairing {
		err = m.do(setSimplePair, a.Index, 1)
	}
	if err == nil {
		err = m.do(setConnectable, a.Index, 1)
	}
	if err == nil {
		err = m.do(setIOCapability, a.Index, byte(capability))
	}
	return err
}

// flag returns the parameter of a command that switches a setting.
func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// forget makes an adapter delete its link key for a device, if it has one, and
// disconnect the link between them. The kernel does not pair two devices twice,
// or over a link that is already encrypted.
func (m *Socket) forget(index int, device [6]byte) error {
	const disconnect = 1
	err := m.do(unpairDevice, index, append(kernelOrder(device), addressTypeBREDR, disconnect)...)
	var refused *commandError
	if errors.As(err, &refused) && refused.status == notPaired {
		return nil
	}
	return err
}

// An Adapter is an adapter to pair.
type Adapter struct {
	Index   int
	Address [6]byte // BD_ADDR, the most significant byte first
}

// Pair bonds two adapters of this machine, so that the kernel has a link key
// for both. It replaces an earlier bond. From then on the adapters use Secure
// Simple Pairing, with which the kernel encrypts every link, regardless of the
// level that a socket requests, unless the association is LegacyPIN.
func (m *Socket) Pair(a, b Adapter, how Association) error {
	before := make(map[Adapter]int)
	m.forgetPasskeys(a, b)
	for i, adapter := range []Adapter{a, b} {
		if err := m.bondable(adapter, how != LegacyPIN, capabilities[how][i]); err != nil {
			return fmt.Errorf("making hci%d bondable: %w", adapter.Index, err)
		}
	}
	for adapter, other := range map[Adapter]Adapter{a: b, b: a} {
		if err := m.forget(adapter.Index, other.Address); err != nil {
			return fmt.Errorf("ending the bond of hci%d: %w", adapter.Index, err)
		}
		before[adapter] = m.keys(adapter.Index)
	}
	parameters := append(kernelOrder(b.Address), addressTypeBREDR, byte(capabilities[how][0]))
	if err := m.do(pairDevice, a.Index, parameters...); err != nil {
		return fmt.Errorf("pairing hci%d with hci%d: %w", a.Index, b.Index, err)
	}
	return m.eventually("both link keys", func() error {
		for adapter, had := range before {
			if m.keys(adapter.Index) == had {
				return fmt.Errorf("no link key of hci%d", adapter.Index)
			}
		}
		return nil
	})
}

// kernelOrder returns an address in the kernel's order, the least significant
// byte first.
func kernelOrder(address [6]byte) []byte {
	slices.Reverse(address[:])
	return address[:]
}
