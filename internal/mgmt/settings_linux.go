package mgmt

import "fmt"

// Manage puts an adapter under the control of the management interface, where
// it remains until it is removed from the kernel, and makes the socket's agent
// responsible for it. From then on the kernel asks an agent about every pairing
// of the adapter.
func (m *Socket) Manage(a Adapter) error {
	m.answerFor(a)
	// The first command takes the adapter over. It fails while the kernel is
	// still setting up a new adapter, whose index the interface does not know
	// yet.
	err := m.eventually(fmt.Sprintf("hci%d to be managed", a.Index), func() error {
		return m.do(readInfo, a.Index)
	})
	if err == nil {
		// Otherwise the kernel declines the pairings that other devices begin
		// (hci_pin_code_request_evt, hci_io_capa_request_evt).
		err = m.do(setBondable, a.Index, 1)
	}
	return err
}

// Release ends the agent's responsibility for an adapter.
func (m *Socket) Release(a Adapter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.own[a.Index].address == a.Address {
		delete(m.own, a.Index)
	}
}

// SetSimplePairing switches Secure Simple Pairing of an adapter on or off. The
// adapter's link keys remain. Without Secure Simple Pairing, a link is
// encrypted only if a socket requests that.
func (m *Socket) SetSimplePairing(a Adapter, on bool) error {
	if err := m.Manage(a); err != nil {
		return err
	}
	return m.do(setSimplePair, a.Index, flag(on))
}

// SetSecureConnections switches Secure Connections of an adapter on or off. If
// both adapters of a link use it, pairing makes a P-256 key, and the link is
// encrypted with AES-CCM. The kernel refuses to switch it on without Secure
// Simple Pairing.
func (m *Socket) SetSecureConnections(a Adapter, on bool) error {
	if err := m.Manage(a); err != nil {
		return err
	}
	return m.do(setSecureConn, a.Index, flag(on))
}

// Unpair makes an adapter delete its link key for a device, and ends the link
// between them. It does nothing if the adapter has no key for the device.
func (m *Socket) Unpair(a Adapter, device [6]byte) error {
	if err := m.Manage(a); err != nil {
		return err
	}
	return m.forget(a.Index, device)
}
