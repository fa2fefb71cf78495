package mgmt

import (
	"fmt"
	"slices"
)

// An IOCapability specifies how an adapter interacts with its user during
// Secure Simple Pairing (Core Specification, Volume 3, Part C, section
// 5.2.2.4). The values are those of the management interface.
type IOCapability uint8

// The capabilities.
const (
	DisplayOnly IOCapability = iota
	DisplayYesNo
	KeyboardOnly
	NoInputNoOutput
)

// defaultPIN is the PIN of an adapter until SetPIN.
const defaultPIN = "0000"

// maxPIN is the maximum length of a PIN in bytes.
const maxPIN = 16

// An owned adapter is one for which the agent answers questions.
type owned struct {
	address [6]byte
	pin     string
}

// An exchange is a pairing of two owned adapters in which one shows a passkey
// and the user of the other enters it.
type exchange struct{ shownBy, enteredBy [6]byte }

// SetPIN sets the PIN with which the agent answers for an adapter. It makes the
// agent responsible for the adapter.
func (m *Socket) SetPIN(a Adapter, pin string) error {
	if pin == "" || len(pin) > maxPIN {
		return fmt.Errorf("PIN %q has %d bytes, want 1 to %d", pin, len(pin), maxPIN)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own[a.Index] = owned{a.Address, pin}
	return nil
}

// answerFor makes the agent responsible for an adapter.
func (m *Socket) answerFor(a Adapter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.own[a.Index].address != a.Address {
		m.own[a.Index] = owned{a.Address, defaultPIN}
	}
}

// ownedAt returns the owned adapter with the given index. The check includes
// the adapter's address, because the kernel sends the pairing events of all
// adapters to every socket, and reuses the index of a removed adapter.
func (m *Socket) ownedAt(index int) (owned, bool) {
	m.mu.Lock()
	own, ok := m.own[index]
	m.mu.Unlock()
	if !ok {
		return owned{}, false
	}
	address, err := m.addressOf(index)
	return own, err == nil && address == own.address
}

// question answers a question of the kernel about the pairing of an adapter
// with a device. The replies are not awaited, since this goroutine would
// receive them.
func (m *Socket) question(event uint16, index int, parameters []byte) {
	const device = 7 // the length of an address and its type
	own, ok := m.ownedAt(index)
	if !ok || len(parameters) < device {
		return
	}
	about, rest := parameters[:device:device], parameters[device:]
	other := [6]byte(about)
	slices.Reverse(other[:])
	switch event {
	case userConfirmNeeded:
		_ = m.send(userConfirm, index, about)
	case pinCodeNeeded:
		m.answerPIN(index, own.pin, about, len(rest) > 0 && rest[0] != 0)
	case passkeyShown:
		if len(rest) >= 4 {
			m.relay(exchange{shownBy: own.address, enteredBy: other}, func(e *entry) {
				e.passkey = append([]byte(nil), rest[:4]...)
			})
		}
	case passkeyNeeded:
		m.relay(exchange{shownBy: other, enteredBy: own.address}, func(e *entry) {
			e.index, e.about = index, append([]byte(nil), about...)
		})
	}
}

// answerPIN answers the kernel's question for the PIN of an adapter. If the
// question is for a secure PIN, which has the maximum length, the agent declines
// with any other.
func (m *Socket) answerPIN(index int, pin string, about []byte, secure bool) {
	if secure && len(pin) < maxPIN {
		_ = m.send(noPINCode, index, about)
		return
	}
	reply := append(append(about, byte(len(pin))), pin...)
	_ = m.send(pinCode, index, append(reply, make([]byte, maxPIN-len(pin))...))
}

// An entry holds the two halves of an exchange, which arrive in any order.
type entry struct {
	passkey []byte // as shown by one adapter; nil if not known yet
	index   int    // of the adapter whose kernel asks for the passkey
	about   []byte // the question's device; nil if not asked yet
}

// relay adds to an exchange, and enters the passkey if it is complete.
func (m *Socket) relay(key exchange, add func(*entry)) {
	m.mu.Lock()
	e := m.passkeys[key]
	add(&e)
	complete := e.passkey != nil && e.about != nil
	if complete {
		delete(m.passkeys, key)
	} else {
		m.passkeys[key] = e
	}
	m.mu.Unlock()
	if complete {
		_ = m.send(userPasskey, e.index, append(e.about, e.passkey...))
	}
}

// forgetPasskeys discards what earlier pairings of two adapters have left.
func (m *Socket) forgetPasskeys(a, b Adapter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.passkeys, exchange{a.Address, b.Address})
	delete(m.passkeys, exchange{b.Address, a.Address})
}
