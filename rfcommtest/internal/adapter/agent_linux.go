package adapter

import "github.com/go-rfcomm/rfcomm/internal/mgmt"

// An Agent pairs adapters. Until it is closed, it also answers the kernel's
// later pairing requests for the adapters that were passed to its methods.
type Agent struct{ socket *mgmt.Socket }

// NewAgent returns an agent for no adapters yet.
func NewAgent() (*Agent, error) {
	socket, err := mgmt.Open()
	if err != nil {
		return nil, err
	}
	return &Agent{socket}, nil
}

// Pair bonds two adapters.
func (a *Agent) Pair(first, second Adapter, how Association) error {
	return a.socket.Pair(mgmt.Adapter(first), mgmt.Adapter(second), mgmt.Association(how))
}

// Unpair makes an adapter forget its key for a device and end their link. It
// does nothing if the adapter has no key for the device.
func (a *Agent) Unpair(at Adapter, device [6]byte) error {
	return a.socket.Unpair(mgmt.Adapter(at), device)
}

// SetSimplePairing switches Secure Simple Pairing of an adapter on or off.
func (a *Agent) SetSimplePairing(at Adapter, on bool) error {
	return a.socket.SetSimplePairing(mgmt.Adapter(at), on)
}

// SetSecureConnections switches Secure Connections of an adapter on or off.
func (a *Agent) SetSecureConnections(at Adapter, on bool) error {
	return a.socket.SetSecureConnections(mgmt.Adapter(at), on)
}

// SetPIN makes the agent answer with a PIN for an adapter.
func (a *Agent) SetPIN(at Adapter, pin string) error {
	if err := a.socket.SetPIN(mgmt.Adapter(at), pin); err != nil {
		return err
	}
	return a.socket.Manage(mgmt.Adapter(at))
}

// Release ends the agent's responsibility for an adapter.
func (a *Agent) Release(at Adapter) { a.socket.Release(mgmt.Adapter(at)) }

// Close ends the agent. The link keys remain.
func (a *Agent) Close() error { return a.socket.Close() }
