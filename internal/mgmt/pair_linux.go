package mgmt

import (
	"errors"
	"fmt"
	"slices"
)

// bondable makes an adapter pair with every device that asks, without user
// confirmation ("just works"), and keeps it connectable.
func (m *Socket) bondable(index int) error {
	// The first command puts the adapter under the control of the management
	// interface. It fails while the kernel is still setting up a new adapter,
	// whose index the interface does not know yet.
	err := m.eventually(fmt.Sprintf("hci%d to be managed", index), func() error {
		return m.do(readInfo, index)
	})
	for _, setting := range []struct {
		opcode uint16
		value  byte
	}{
		{setSimplePair, 1},
		{setBondable, 1},
		{setConnectable, 1},
		{setIOCapability, ioNoInputOutput},
	} {
		if err == nil {
			err = m.do(setting.opcode, index, setting.value)
		}
	}
	return err
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
// level that a socket requests.
func (m *Socket) Pair(a, b Adapter) error {
	m.mu.Lock()
	for _, adapter := range []Adapter{a, b} {
		m.own[adapter.Index] = adapter.Address
	}
	m.mu.Unlock()
	before := make(map[Adapter]int)
	for adapter, other := range map[Adapter]Adapter{a: b, b: a} {
		if err := m.bondable(adapter.Index); err != nil {
			return fmt.Errorf("making hci%d bondable: %w", adapter.Index, err)
		}
		if err := m.forget(adapter.Index, other.Address); err != nil {
			return fmt.Errorf("ending the bond of hci%d: %w", adapter.Index, err)
		}
		before[adapter] = m.keys(adapter.Index)
	}
	parameters := append(kernelOrder(b.Address), addressTypeBREDR, ioNoInputOutput)
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

// SetSimplePairing switches Secure Simple Pairing of an adapter on or off. The
// adapter's link keys remain. Without Secure Simple Pairing, a link is
// encrypted only if a socket requests that.
func (m *Socket) SetSimplePairing(index int, on bool) error {
	value := byte(0)
	if on {
		value = 1
	}
	return m.do(setSimplePair, index, value)
}

// LoadKey replaces all link keys of an adapter by a single key, for a device.
func (m *Socket) LoadKey(index int, device [6]byte, key [16]byte) error {
	parameters := []byte{0, 1, 0} // no debug keys; one key
	parameters = append(parameters, kernelOrder(device)...)
	parameters = append(parameters, addressTypeBREDR, keyUnauthenticated)
	parameters = append(parameters, key[:]...)
	parameters = append(parameters, 0) // no PIN
	return m.do(loadLinkKeys, index, parameters...)
}

// kernelOrder returns an address in the kernel's order, the least significant
// byte first.
func kernelOrder(address [6]byte) []byte {
	slices.Reverse(address[:])
	return address[:]
}
