package fakebus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// A Status is how a pairing ended (status codes of the kernel's management interface).
type Status string

// The statuses that new_authentication_return (src/device.c) distinguishes.
const (
	Success       Status = ""
	Failed        Status = "org.bluez.Error.AuthenticationFailed: Authentication Failed" // also a wrong PIN or number
	Rejected      Status = "org.bluez.Error.AuthenticationRejected: Authentication Rejected"
	Cancelled     Status = "org.bluez.Error.AuthenticationCanceled: Authentication Canceled"
	Disconnected  Status = "org.bluez.Error.AuthenticationCanceled: Authentication Canceled"
	TimedOut      Status = "org.bluez.Error.AuthenticationTimeout: Authentication Timeout"
	ConnectFailed Status = "org.bluez.Error.ConnectionAttemptFailed: Page Timeout"
	AlreadyPaired Status = "org.bluez.Error.AlreadyExists: Already Paired"
)

// error returns the error that Pair is answered with.
func (s Status) error() *dbus.Error {
	name, text, _ := strings.Cut(string(s), ": ")
	return newError(name, text)
}

// A PairFunc plays the other device, the kernel, and the user of the other device: it
// asks the agent and decides how the pairing ends. The context ends when bluetoothd
// gives the pairing up. A PairFunc that then still returns Success stands for a
// pairing that had succeeded before the cancellation arrived: the device is paired,
// and nobody is told but by its properties.
type PairFunc func(ctx context.Context, p *Pairing) Status

// OnPair sets how pairings with the device go. The default is JustWorks.
func (d *Device) OnPair(pair PairFunc) {
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	d.pair = pair
}

// JustWorks succeeds without a question (device_confirm_passkey accepts by itself if
// the user of this side asked for the pairing).
func JustWorks(context.Context, *Pairing) Status { return Success }

// NoAnswer never ends by itself.
func NoAnswer(ctx context.Context, _ *Pairing) Status {
	<-ctx.Done()
	return Cancelled
}

// Compare asks the agent to compare a number, which the other side confirms.
func Compare(passkey uint32) PairFunc {
	return func(ctx context.Context, p *Pairing) Status {
		return p.outcome(ctx, p.RequestConfirmation(ctx, passkey))
	}
}

// PIN asks the agent for the PIN of a device with legacy pairing.
func PIN(pin string) PairFunc {
	return func(ctx context.Context, p *Pairing) Status {
		got, err := p.RequestPINCode(ctx)
		if err == nil && got != pin {
			return Failed
		}
		return p.outcome(ctx, err)
	}
}

// Passkey asks the agent for the number that the other device shows.
func Passkey(passkey uint32) PairFunc {
	return func(ctx context.Context, p *Pairing) Status {
		got, err := p.RequestPasskey(ctx)
		if err == nil && got != passkey {
			return Failed
		}
		return p.outcome(ctx, err)
	}
}

// outcome returns the status of a pairing in which a question to the agent ended with
// an error or not.
func (p *Pairing) outcome(ctx context.Context, err error) Status {
	switch {
	case ctx.Err() != nil:
		return Cancelled
	case err != nil:
		return Failed
	}
	return Success
}

// A Pairing is a pairing that runs.
type Pairing struct {
	device *Device
	call   *Call  // nil if the other side began, or the caller is gone or was answered
	agent  *Agent // nil: the default agent at the time of a question
	cancel context.CancelFunc
}

// Device returns the device.
func (p *Pairing) Device() *Device { return p.device }

// Pairing reports whether a pairing runs.
func (d *Device) Pairing() bool {
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	return d.pairing != nil
}

// PairFrom plays a pairing that the other device begins, to the end, and returns its
// status. Its questions go to the default agent.
func (d *Device) PairFrom(ctx context.Context, pair PairFunc) Status {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &Pairing{device: d, cancel: cancel}
	d.z.bus.mu.Lock()
	d.change(deviceInterface, map[string]any{"Connected": true})
	d.z.bus.mu.Unlock()
	status := pair(ctx, p)
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	if status == Success {
		d.bond()
	}
	return status
}

// startPairing is pair_device in src/device.c. The agent is that of the caller's
// connection, or else the default agent (agent_get in src/agent.c).
func (d *Device) startPairing(c *Call) {
	d.temporary = false
	switch {
	case d.pairing != nil:
		c.fail("org.bluez.Error.InProgress", "In Progress")
		return
	case d.is("Bonded"):
		c.fail("org.bluez.Error.AlreadyExists", "Already Exists")
		return
	}
	ctx, cancel := context.WithCancel(d.z.ctx)
	p := &Pairing{device: d, call: c, agent: d.z.agentOf(c.Sender()), cancel: cancel}
	d.pairing = p
	pair := d.pair
	d.z.bus.working.Go(func() {
		defer cancel()
		status := Failed // as for all codes that new_authentication_return does not know
		if d.connectForPairing() {
			status = pair(ctx, p)
		}
		d.z.bus.mu.Lock()
		defer d.z.bus.mu.Unlock()
		d.paired(p, status)
	})
}

func (d *Device) connectForPairing() bool {
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	if !d.adapter.powered() || !d.exported() {
		return false
	}
	d.change(deviceInterface, map[string]any{"Connected": true})
	return true
}

// paired is device_bonding_complete in src/device.c: the device is bonded, its
// services are searched for, and then Pair is answered.
func (d *Device) paired(p *Pairing, status Status) {
	if d.pairing == p {
		d.pairing = nil
	}
	if status == Success && d.exported() && d.z.ctx.Err() == nil {
		d.bond()
	} else if status == Success {
		status = Cancelled
	}
	if status != Success && !d.is("Paired") && !d.is("Trusted") {
		d.temporary = true
	}
	switch c := p.call; {
	case c == nil:
	case status == Success:
		c.reply()
	default:
		c.answer(errorReply(c.serial, status.error()))
	}
}

// bond stores the key. Without Pairable (a default agent, or the adapter's property)
// the key is not kept: Paired is true and Bonded is false.
func (d *Device) bond() {
	d.temporary = false
	d.change(deviceInterface, map[string]any{"Bonded": d.adapter.interfaces[adapterInterface]["Pairable"] == true})
	d.change(deviceInterface, map[string]any{"Paired": true, "ServicesResolved": true})
}

// cancelPairing gives a pairing up: Pair is answered, and a question to the agent is
// withdrawn (device_cancel_bonding in src/device.c).
func (d *Device) cancelPairing(status Status) {
	p := d.pairing
	if p == nil {
		return
	}
	d.pairing = nil
	p.cancel()
	if c := p.call; c != nil {
		p.call = nil
		c.answer(errorReply(c.serial, status.error()))
	}
}

// methodCancelPairing is cancel_pairing in src/device.c. Without a pending pairing it
// removes the bond.
func (d *Device) methodCancelPairing(c *Call) {
	if d.pairing == nil {
		d.temporary = true
		d.change(deviceInterface, map[string]any{"Paired": false, "Bonded": false})
		c.fail("org.bluez.Error.DoesNotExist", "Does Not Exist")
		return
	}
	d.cancelPairing(Cancelled)
	c.reply()
}

// requesterLeft is create_bond_req_exit in src/device.c: the pairing is given up and
// the device disconnected, without a reply.
func (d *Device) requesterLeft(name string) {
	if d.pairing == nil || d.pairing.call == nil || d.pairing.call.Sender() != name {
		return
	}
	d.pairing.call = nil
	d.cancelPairing(Cancelled)
	d.closeConnections()
	d.disconnected()
}

var errNoAgent = errors.New("no agent")

// RequestPINCode asks for a PIN of 1 to 16 characters.
func (p *Pairing) RequestPINCode(ctx context.Context) (string, error) {
	body, err := p.ask(ctx, "RequestPinCode", p.device.path)
	if err != nil {
		return "", err
	}
	pin, ok := single[string](body)
	if !ok || len(pin) < 1 || len(pin) > 16 {
		return "", fmt.Errorf("invalid PIN %q", body)
	}
	return pin, nil
}

// DisplayPINCode shows a PIN that the other device types.
func (p *Pairing) DisplayPINCode(ctx context.Context, pin string) error {
	_, err := p.ask(ctx, "DisplayPinCode", p.device.path, pin)
	return err
}

// RequestPasskey asks for a number.
func (p *Pairing) RequestPasskey(ctx context.Context) (uint32, error) {
	body, err := p.ask(ctx, "RequestPasskey", p.device.path)
	if err != nil {
		return 0, err
	}
	passkey, ok := single[uint32](body)
	if !ok {
		return 0, fmt.Errorf("invalid passkey %v", body)
	}
	return passkey, nil
}

// DisplayPasskey shows a number and how many of its digits were typed. bluetoothd
// does not wait for an answer.
func (p *Pairing) DisplayPasskey(passkey uint32, entered uint16) {
	p.device.z.bus.mu.Lock()
	defer p.device.z.bus.mu.Unlock()
	if a := p.answering(); a != nil {
		a.tell("DisplayPasskey", p.device.path, passkey, entered)
	}
}

// RequestConfirmation asks whether two numbers are the same.
func (p *Pairing) RequestConfirmation(ctx context.Context, passkey uint32) error {
	_, err := p.ask(ctx, "RequestConfirmation", p.device.path, passkey)
	return err
}

// RequestAuthorization asks whether the other device may pair.
func (p *Pairing) RequestAuthorization(ctx context.Context) error {
	_, err := p.ask(ctx, "RequestAuthorization", p.device.path)
	return err
}

func (p *Pairing) ask(ctx context.Context, method string, body ...any) ([]any, error) {
	p.device.z.bus.mu.Lock()
	a := p.answering()
	p.device.z.bus.mu.Unlock()
	if a == nil {
		return nil, errNoAgent
	}
	return a.ask(ctx, method, body...)
}

// answering returns the agent that answers questions, or nil.
func (p *Pairing) answering() *Agent {
	if p.agent != nil {
		return p.agent
	}
	return p.device.z.agentOf("")
}

func single[T any](body []any) (v T, ok bool) {
	if len(body) != 1 {
		return v, false
	}
	v, ok = body[0].(T)
	return v, ok
}
