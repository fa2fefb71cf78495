package rfcommtest

import (
	"fmt"

	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/adapter"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/controller"
	"github.com/go-rfcomm/rfcomm/rfcommtest/internal/l2cap"
)

// A Scan is a set of requests that a controller answers.
type Scan uint8

// The requests.
const (
	InquiryScan Scan = Scan(adapter.InquiryScan) // other devices can discover the controller
	PageScan    Scan = Scan(adapter.PageScan)    // other devices can connect to it
)

// settings holds the settings of an adapter, which outlive it: Plug and Up apply
// them again.
type settings struct {
	scan   Scan
	simple simplePairing
	pin    string // "" means the agent's default
	secure bool   // Secure Connections
}

var defaultSettings = settings{scan: InquiryScan | PageScan}

// simplePairing is the value of SetSimplePairing.
type simplePairing uint8

const (
	simpleAfterPair simplePairing = iota // the default: off until the first Pair
	simpleOn
	simpleOff
)

// maxPIN is the maximum length of a PIN in bytes (Core Specification, Volume 4,
// Part E, section 7.1.12).
const maxPIN = 16

// SetScan sets the requests that the adapter answers: pages, inquiries, both, or
// none if scan is 0. The default is both. It does not affect existing links.
//
// While the adapter is down or unplugged, SetScan has no effect until Up or Plug
// brings it up. A program such as bluetoothd can change the scans; the next
// SetScan, Up, Plug or [Link.Pair] restores them.
func (c *Controller) SetScan(scan Scan) error {
	if scan&^(InquiryScan|PageScan) != 0 {
		return fmt.Errorf("rfcommtest: SetScan: 0x%02x contains other values than InquiryScan and PageScan", uint8(scan))
	}
	return c.set("the scans", func(s *settings) { s.scan = scan }, func() error {
		return adapter.SetScan(c.adapter(), adapter.Scan(scan))
	})
}

// SetSimplePairing switches the adapter's Secure Simple Pairing on or off. While
// it is off, the adapter pairs by a PIN, as devices before Bluetooth 2.1 do: see
// [Controller.SetPIN]. By default, it is off in a controller that has been
// plugged in, until [Link.Pair], or until another program such as bluetoothd
// switches it on. A controller that is unplugged keeps the setting.
//
// Link keys stay valid. If both ends of a new link use Secure Simple Pairing,
// the kernel encrypts it; otherwise it does so only if a socket requests that.
//
// SetSimplePairing returns an error if it is to be on and the controller does
// not support it. It requires CAP_NET_ADMIN.
func (c *Controller) SetSimplePairing(on bool) error {
	value := simpleOff
	if on {
		value = simpleOn
	}
	if on && !c.supportsSimplePairing() {
		return fmt.Errorf("rfcommtest: SetSimplePairing: the controller %s does not support Secure Simple Pairing", c.Addr())
	}
	return c.set("simple pairing", func(s *settings) { s.simple = value }, func() error {
		agent, err := c.radio.pairingAgent()
		if err == nil {
			err = c.switchSimplePairing(agent, on)
		}
		return err
	})
}

// switchSimplePairing switches Secure Simple Pairing of the adapter on or off.
// Once the kernel has switched it on, it does not pass changes on to the
// controller until the next reset (hci_write_ssp_mode_sync). c.mu is held.
func (c *Controller) switchSimplePairing(agent *adapter.Agent, on bool) error {
	if !c.supportsSimplePairing() {
		return nil
	}
	err := agent.SetSimplePairing(c.adapter(), on)
	if err == nil {
		c.locked(func() { c.core.SetSimplePairing(on) })
	}
	return err
}

func (c *Controller) supportsSimplePairing() bool {
	return c.core.Features().Has(controller.SimplePairing)
}

func (c *Controller) supportsSecureConnections() bool {
	return c.core.Features().Has(controller.SecureConnections)
}

// pairsSimply reports whether Pair uses Secure Simple Pairing. c.mu is held.
func (c *Controller) pairsSimply() bool {
	return c.settings.simple != simpleOff && c.supportsSimplePairing()
}

// SetSecureConnections switches the adapter's Secure Connections on or off. If
// both ends of a link use them, pairing makes a P-256 key, and the kernel
// encrypts the link with AES-CCM. After a pairing that was protected against a
// man in the middle, such as by NumericComparison, [rfcomm.Conn.Security] then
// reports SecurityHigh. The default is off, unless another program switches
// them on, as bluetoothd does. A controller that is unplugged keeps the setting.
//
// SetSecureConnections(true) also switches simple pairing on. While that is off,
// Secure Connections have no effect.
//
// SetSecureConnections returns an error if they are to be on and the controller
// does not support them, as before version 4.1. It requires CAP_NET_ADMIN, except
// for a [Device].
func (c *Controller) SetSecureConnections(on bool) error {
	if on && !c.supportsSecureConnections() {
		return fmt.Errorf("rfcommtest: SetSecureConnections: the controller %s does not support Secure Connections", c.Addr())
	}
	change := func(s *settings) {
		s.secure = on
		if on {
			s.simple = simpleOn
		}
	}
	return c.set("Secure Connections", change, func() error {
		agent, err := c.radio.pairingAgent()
		if err != nil {
			return err
		}
		return c.switchSecureConnections(agent, on)
	})
}

// switchSecureConnections switches Secure Connections of the adapter on, together
// with simple pairing, which the kernel requires, or off. c.mu is held.
func (c *Controller) switchSecureConnections(agent *adapter.Agent, on bool) error {
	if !c.supportsSecureConnections() {
		return nil
	}
	if on {
		if err := c.switchSimplePairing(agent, true); err != nil {
			return err
		}
	}
	return agent.SetSecureConnections(c.adapter(), on)
}

// SetPIN sets the PIN, of 1 to 16 bytes, with which the device answers in a
// pairing in which one of the two does not use Secure Simple Pairing. The
// pairing succeeds if both devices have the same PIN. The default is 0000. A
// controller that is unplugged keeps its PIN.
//
// The radio answers as the adapter's agent: see [Link.Pair]. SetPIN requires
// CAP_NET_ADMIN.
func (c *Controller) SetPIN(pin string) error {
	if len(pin) < 1 || len(pin) > maxPIN {
		return fmt.Errorf("rfcommtest: SetPIN: the PIN has %d bytes; want 1 to %d", len(pin), maxPIN)
	}
	return c.set("the PIN", func(s *settings) { s.pin = pin }, func() error {
		agent, err := c.radio.pairingAgent()
		if err != nil {
			return err
		}
		return agent.SetPIN(c.adapter(), pin)
	})
}

// set changes a setting, after it has been applied to the adapter if the
// controller is plugged in.
func (c *Controller) set(name string, change func(*settings), apply func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.radio.isClosed() {
		return errClosed
	}
	if c.script != nil {
		change(&c.settings)
		c.script.Set(l2cap.Settings{
			Scan:          uint8(c.settings.scan),
			SimplePairing: c.settings.simple != simpleOff, SecureConnections: c.settings.secure,
			PIN: c.settings.pin,
		})
		return nil
	}
	if c.device != nil {
		if err := apply(); err != nil {
			return fmt.Errorf("rfcommtest: set %s of %s: %w", name, c.Addr(), err)
		}
	}
	change(&c.settings)
	return nil
}

// restorePairing applies the settings of pairing to an adapter that was plugged
// in. A new adapter has simple pairing off. c.mu is held.
func (c *Controller) restorePairing() error {
	if c.settings.simple != simpleOn && c.settings.pin == "" {
		return nil
	}
	agent, err := c.radio.pairingAgent()
	if err == nil && c.settings.simple == simpleOn {
		err = c.switchSimplePairing(agent, true)
	}
	if err == nil && c.settings.simple == simpleOn && c.settings.secure {
		err = c.switchSecureConnections(agent, true)
	}
	if err == nil && c.settings.pin != "" {
		err = agent.SetPIN(c.adapter(), c.settings.pin)
	}
	return err
}

// restoreScan applies the scan after a pairing, which makes the adapter
// connectable. c.mu is held.
func (c *Controller) restoreScan() error {
	return adapter.SetScan(c.adapter(), adapter.Scan(c.settings.scan))
}

// pairingAgent returns the radio's agent, which lives until the radio is closed.
// The lock of a controller is held, so that Close waits.
func (r *Radio) pairingAgent() (*adapter.Agent, error) {
	r.radio.Lock()
	defer r.radio.Unlock()
	if r.agent != nil {
		return r.agent, nil
	}
	agent, err := adapter.NewAgent()
	if err == nil {
		r.agent = agent
	}
	return agent, err
}
