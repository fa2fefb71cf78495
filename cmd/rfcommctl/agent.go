package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A pairingAgent answers the questions of one pairing, that with the device of the
// command line. It asks a person on the terminal. Without a terminal, it refuses all
// questions that the flags do not answer.
type pairingAgent struct {
	terminal *bluez.TerminalAgent // nil without one
	tool     *tool
	name     string // of the device, to print
	pin      string // or ""

	mu      sync.Mutex
	refused error // of the last question
}

// pairingAgent returns an agent for a device with a name.
func (t *tool) pairingAgent(name, pin string) *pairingAgent {
	a := &pairingAgent{tool: t, name: name, pin: pin}
	if t.answers {
		a.terminal = bluez.NewTerminalAgent(t.stdin, t.stderr)
		a.terminal.Describe = func(context.Context, *bluez.Device) string { return printable(name) }
	}
	return a
}

// A pairingError reports that a pairing failed for want of an answer.
type pairingError struct{ error }

func (e pairingError) Unwrap() error { return e.error }

// Reasons for which there is no answer.
var (
	errNoTerminal = errors.New("there is no terminal to ask on")
	errInputEnded = errors.New("standard input has ended")
)

// refusal returns the reason for which the last question was refused, or nil.
func (a *pairingAgent) refusal() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

// refuse keeps the reason of a refusal, and returns it.
func (a *pairingAgent) refuse(format string, arguments ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = pairingError{fmt.Errorf(format, arguments...)}
	return a.refused
}

// asks asks a question on the terminal. It refuses with the text why if that cannot
// be answered, and otherwise with the error of f.
func (a *pairingAgent) asks(why string, f func(*bluez.TerminalAgent) error) error {
	err := errNoTerminal
	if a.terminal != nil {
		err = f(a.terminal)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err // the error of the pairing says why
	case err == io.EOF:
		err = errInputEnded
	case err != errNoTerminal:
		return a.refuse("%w", err)
	}
	return a.refuse(why, a.name, err)
}

// RequestPINCode implements [bluez.Agent].
func (a *pairingAgent) RequestPINCode(ctx context.Context, d *bluez.Device) (pin string, err error) {
	if a.pin != "" {
		return a.pin, nil
	}
	err = a.asks("%s wants a PIN, and %w: use --pin", func(terminal *bluez.TerminalAgent) error {
		if pin, err = terminal.RequestPINCode(ctx, d); err == nil && (pin == "" || len(pin) > maxPIN) {
			err = fmt.Errorf("not a PIN: %q: it has 1 to %d characters", pin, maxPIN)
		}
		return err
	})
	return pin, err
}

// RequestPasskey implements [bluez.Agent].
func (a *pairingAgent) RequestPasskey(ctx context.Context, d *bluez.Device) (passkey uint32, err error) {
	err = a.asks("%s shows a number that has to be typed here, and %w", func(terminal *bluez.TerminalAgent) error {
		passkey, err = terminal.RequestPasskey(ctx, d)
		return err
	})
	return passkey, err
}

// ConfirmPasskey implements [bluez.Agent].
func (a *pairingAgent) ConfirmPasskey(ctx context.Context, d *bluez.Device, passkey uint32) error {
	return a.asks("%s shows a number that has to be compared, and %w", func(terminal *bluez.TerminalAgent) error {
		err := terminal.ConfirmPasskey(ctx, d, passkey)
		if err != nil && err != io.EOF && ctx.Err() == nil {
			err = fmt.Errorf("the number %06d was not confirmed", passkey)
		}
		return err
	})
}

// DisplayPINCode implements [bluez.Agent].
func (a *pairingAgent) DisplayPINCode(ctx context.Context, d *bluez.Device, pin string) error {
	return a.asks("a number has to be typed on %s, and %w", func(terminal *bluez.TerminalAgent) error {
		return terminal.DisplayPINCode(ctx, d, pin)
	})
}

// DisplayPasskey implements [bluez.Agent].
func (a *pairingAgent) DisplayPasskey(ctx context.Context, d *bluez.Device, passkey uint32, entered uint16) error {
	return a.asks("a number has to be typed on %s, and %w", func(terminal *bluez.TerminalAgent) error {
		return terminal.DisplayPasskey(ctx, d, passkey, entered)
	})
}

// AuthorizePairing implements [bluez.Agent]. The person has asked for the
// pairing by naming the device.
func (a *pairingAgent) AuthorizePairing(context.Context, *bluez.Device) error { return nil }

// AuthorizeService implements [bluez.Agent]. A pairing needs no service.
func (a *pairingAgent) AuthorizeService(_ context.Context, _ *bluez.Device, service sdp.UUID) error {
	a.tool.detail("refused %s a connection to %s", a.name, uuidText(service))
	return errors.New("not asked for")
}
