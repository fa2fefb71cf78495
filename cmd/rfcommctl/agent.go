package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A terminalAgent answers the questions of one pairing, that with the device of
// the command line, on the terminal. Without a terminal, it refuses all
// questions that the flags do not answer.
type terminalAgent struct {
	tool *tool
	name string // of the device, to print
	pin  string // or ""

	mu      sync.Mutex
	refused error // of the last question
	typing  bool  // the passkey to type has been printed
}

// A pairingError reports that a pairing failed for want of an answer.
type pairingError struct{ error }

func (e pairingError) Unwrap() error { return e.error }

// errNoTerminal means that standard input or standard error is not a terminal.
var errNoTerminal = errors.New("there is no terminal to ask on")

// refusal returns the reason for which the last question was refused, or nil.
func (a *terminalAgent) refusal() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.refused
}

// refuse keeps the reason of a refusal, and returns it.
func (a *terminalAgent) refuse(format string, arguments ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = pairingError{fmt.Errorf(format, arguments...)}
	return a.refused
}

// RequestPINCode implements [bluez.Agent].
func (a *terminalAgent) RequestPINCode(ctx context.Context, _ *bluez.Device) (string, error) {
	if a.pin != "" {
		return a.pin, nil
	}
	pin, err := a.tool.ask(ctx, "PIN of %s, often 1234 or 0000: ", a.name)
	if err != nil {
		return "", a.refuse("%s wants a PIN, and %w: use --pin", a.name, err)
	}
	if pin == "" || len(pin) > maxPIN {
		return "", a.refuse("not a PIN: %q: it has 1 to %d characters", pin, maxPIN)
	}
	return pin, nil
}

// RequestPasskey implements [bluez.Agent].
func (a *terminalAgent) RequestPasskey(ctx context.Context, _ *bluez.Device) (uint32, error) {
	text, err := a.tool.ask(ctx, "Number that %s shows: ", a.name)
	if err != nil {
		return 0, a.refuse("%s shows a number that has to be typed here, and %w", a.name, err)
	}
	passkey, err := strconv.ParseUint(text, 10, 32)
	if err != nil || len(text) > 6 {
		return 0, a.refuse("not a number of six digits: %q", text)
	}
	return uint32(passkey), nil
}

// ConfirmPasskey implements [bluez.Agent].
func (a *terminalAgent) ConfirmPasskey(ctx context.Context, _ *bluez.Device, passkey uint32) error {
	answer, err := a.tool.ask(ctx, "Does %s show %06d? [y/N] ", a.name, passkey)
	if err != nil {
		return a.refuse("%s shows a number that has to be compared, and %w", a.name, err)
	}
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		return a.refuse("the number %06d was not confirmed", passkey)
	}
	return nil
}

// DisplayPINCode implements [bluez.Agent].
func (a *terminalAgent) DisplayPINCode(_ context.Context, _ *bluez.Device, pin string) error {
	return a.show(pin)
}

// DisplayPasskey implements [bluez.Agent]. It is called again for each digit
// that is typed.
func (a *terminalAgent) DisplayPasskey(_ context.Context, _ *bluez.Device, passkey uint32, _ uint16) error {
	return a.show(fmt.Sprintf("%06d", passkey))
}

// show prints a number that a person has to type on the device, once.
func (a *terminalAgent) show(number string) error {
	if !a.tool.answers {
		return a.refuse("a number has to be typed on %s, and %w", a.name, errNoTerminal)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.typing {
		fmt.Fprintln(a.tool.stderr, oneLine(fmt.Sprintf("Type %s on %s, then Enter", number, a.name)))
	}
	a.typing = true
	return nil
}

// AuthorizePairing implements [bluez.Agent]. The person has asked for the
// pairing by naming the device.
func (a *terminalAgent) AuthorizePairing(context.Context, *bluez.Device) error { return nil }

// AuthorizeService implements [bluez.Agent]. A pairing needs no service.
func (a *terminalAgent) AuthorizeService(_ context.Context, _ *bluez.Device, service sdp.UUID) error {
	a.tool.detail("refused %s a connection to %s", a.name, uuidText(service))
	return errors.New("not asked for")
}

// ask prints a question on the terminal and returns the line that is typed,
// without spaces around it.
func (t *tool) ask(ctx context.Context, format string, arguments ...any) (string, error) {
	if !t.answers {
		return "", errNoTerminal
	}
	fmt.Fprint(t.stderr, oneLine(fmt.Sprintf(format, arguments...))+" ")
	select {
	case line, ok := <-t.typed():
		if !ok {
			fmt.Fprintln(t.stderr)
			return "", errors.New("standard input has ended")
		}
		return strings.TrimSpace(line), nil
	case <-ctx.Done():
		fmt.Fprintln(t.stderr)
		return "", context.Cause(ctx)
	}
}

// readLines returns a channel that receives the lines of standard input, and is
// closed at its end. A pending read outlives the question.
func (t *tool) readLines() <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		in := bufio.NewScanner(t.stdin)
		for in.Scan() {
			lines <- in.Text()
		}
	}()
	return lines
}
