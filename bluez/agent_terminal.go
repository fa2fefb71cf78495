package bluez

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-rfcomm/rfcomm/sdp"
)

// A TerminalAgent is an Agent that asks a person on a terminal. NewTerminalAgent
// returns one. It may answer for several pairings at once: it asks one question
// at a time.
type TerminalAgent struct {
	// Describe returns the text for a device in a question. The default is the
	// name of the device, quoted, and its address. The text of a name must not
	// have control characters. Describe must not be changed once the agent is in
	// use.
	Describe func(ctx context.Context, d *Device) string

	in   *bufio.Reader
	out  io.Writer
	turn chan struct{} // capacity 1: holds a token while a question is asked

	mu      sync.Mutex
	reading bool
	waiting chan<- typedLine // of the question that is asked, or nil
}

type typedLine struct {
	text string
	err  error
}

// NewTerminalAgent returns an Agent that writes questions to out and reads the
// answers from in, a line each. Only "y" and "yes" agree to a question. At the
// end of in, it refuses all questions that need an answer.
//
// If a question ends before it is answered, the agent still reads one line from
// in, for the next question. That read ends with the line or with in. The agent
// does not check whether in is a terminal.
func NewTerminalAgent(in io.Reader, out io.Writer) *TerminalAgent {
	return &TerminalAgent{in: bufio.NewReader(in), out: out, turn: make(chan struct{}, 1)}
}

var _ Agent = (*TerminalAgent)(nil)

// RequestPINCode asks for a PIN.
func (a *TerminalAgent) RequestPINCode(ctx context.Context, d *Device) (string, error) {
	return a.ask(ctx, "PIN of %s (often 0000 or 1234): ", a.describe(ctx, d))
}

// DisplayPINCode prints the PIN.
func (a *TerminalAgent) DisplayPINCode(ctx context.Context, d *Device, pin string) error {
	return a.print("Enter the PIN %q on %s\n", pin, a.describe(ctx, d))
}

// RequestPasskey asks for the number that the device shows.
func (a *TerminalAgent) RequestPasskey(ctx context.Context, d *Device) (uint32, error) {
	text, err := a.ask(ctx, "The number that %s shows: ", a.describe(ctx, d))
	if err != nil {
		return 0, err
	}
	passkey, err := strconv.ParseUint(text, 10, 32)
	if err != nil || len(text) != 6 {
		return 0, fmt.Errorf("%q is not a number of six digits", text)
	}
	return uint32(passkey), nil
}

// DisplayPasskey prints the number, once.
func (a *TerminalAgent) DisplayPasskey(ctx context.Context, d *Device, passkey uint32, entered uint16) error {
	if entered > 0 {
		return nil
	}
	return a.print("Enter the number %06d on %s\n", passkey, a.describe(ctx, d))
}

// ConfirmPasskey asks whether the device shows the same number.
func (a *TerminalAgent) ConfirmPasskey(ctx context.Context, d *Device, passkey uint32) error {
	return a.agree(ctx, "Does %s show the number %06d? [y/N] ", a.describe(ctx, d), passkey)
}

// AuthorizePairing asks whether the device may pair.
func (a *TerminalAgent) AuthorizePairing(ctx context.Context, d *Device) error {
	return a.agree(ctx, "May %s pair? [y/N] ", a.describe(ctx, d))
}

// AuthorizeService asks whether the device may connect to the service.
func (a *TerminalAgent) AuthorizeService(ctx context.Context, d *Device, service sdp.UUID) error {
	return a.agree(ctx, "May %s connect to the service %v? [y/N] ", a.describe(ctx, d), service)
}

// describe returns the text for a device.
func (a *TerminalAgent) describe(ctx context.Context, d *Device) string {
	if a.Describe != nil {
		return a.Describe(ctx, d)
	}
	if p, err := d.Properties(ctx); err == nil && p.Name != "" {
		return fmt.Sprintf("%q (%s)", p.Name, d.Address())
	}
	return d.Address().String()
}

var errDeclined = errors.New("declined on the terminal")

// agree asks a question, and returns nil if the person agrees.
func (a *TerminalAgent) agree(ctx context.Context, format string, args ...any) error {
	answer, err := a.ask(ctx, format, args...)
	if err != nil {
		return err
	}
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		return errDeclined
	}
	return nil
}

// ask asks a question and returns the answer, without spaces around it.
func (a *TerminalAgent) ask(ctx context.Context, format string, args ...any) (string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := a.print(format, args...); err != nil {
		return "", err
	}
	select {
	case line := <-a.await():
		return strings.TrimSpace(line.text), line.err
	case <-ctx.Done():
		a.mu.Lock()
		a.waiting = nil
		a.mu.Unlock()
		a.print("\nThis is no longer needed.\n")
		return "", ctx.Err()
	}
}

// await returns a channel that receives the next line.
func (a *TerminalAgent) await() <-chan typedLine {
	line := make(chan typedLine, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = line
	if !a.reading {
		a.reading = true
		go a.read()
	}
	return line
}

// read reads a line for the question that is asked when the line arrives. It
// drops the line if there is none.
func (a *TerminalAgent) read() {
	text, err := a.in.ReadString('\n')
	if err == io.EOF && text != "" {
		err = nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reading = false
	if a.waiting != nil {
		a.waiting <- typedLine{text, err}
		a.waiting = nil
	}
}

func (a *TerminalAgent) print(format string, args ...any) error {
	_, err := fmt.Fprintf(a.out, format, args...)
	return err
}
