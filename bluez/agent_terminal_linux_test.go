package bluez

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestTerminalAgentAsks(t *testing.T) {
	_, f, d := fakeDevice(t)
	f.Set(deviceInterface, map[string]any{"Name": "Printer\x1b[2J"})
	const who = `"Printer\x1b[2J" (` + pairAddress + `)`
	ctx := t.Context()
	for name, tt := range map[string]struct {
		typed string
		call  func(Agent) (any, error)
		shown string
		want  any
		text  string // of the error
	}{
		"PIN":            {" 1234 \n", func(a Agent) (any, error) { return a.RequestPINCode(ctx, d) }, "PIN of " + who + " (often 0000 or 1234): ", "1234", ""},
		"PIN at the end": {"1234", func(a Agent) (any, error) { return a.RequestPINCode(ctx, d) }, "PIN of " + who + " (often 0000 or 1234): ", "1234", ""},
		"no PIN":         {"", func(a Agent) (any, error) { return a.RequestPINCode(ctx, d) }, "PIN of " + who + " (often 0000 or 1234): ", "", "EOF"},
		"passkey":        {"012345\n", func(a Agent) (any, error) { return a.RequestPasskey(ctx, d) }, "The number that " + who + " shows: ", uint32(12345), ""},
		"short passkey":  {"12345\n", func(a Agent) (any, error) { return a.RequestPasskey(ctx, d) }, "The number that " + who + " shows: ", uint32(0), `"12345" is not a number of six digits`},
		"bad passkey":    {"-12345\n", func(a Agent) (any, error) { return a.RequestPasskey(ctx, d) }, "The number that " + who + " shows: ", uint32(0), "is not a number"},
		"confirmed":      {"Y\n", func(a Agent) (any, error) { return nil, a.ConfirmPasskey(ctx, d, 42) }, "Does " + who + " show the number 000042? [y/N] ", nil, ""},
		"not confirmed":  {"\n", func(a Agent) (any, error) { return nil, a.ConfirmPasskey(ctx, d, 42) }, "Does " + who + " show the number 000042? [y/N] ", nil, "declined"},
		"authorized":     {"yes\n", func(a Agent) (any, error) { return nil, a.AuthorizePairing(ctx, d) }, "May " + who + " pair? [y/N] ", nil, ""},
		"not authorized": {"yep\n", func(a Agent) (any, error) { return nil, a.AuthorizePairing(ctx, d) }, "May " + who + " pair? [y/N] ", nil, "declined"},
		"service":        {"y\n", func(a Agent) (any, error) { return nil, a.AuthorizeService(ctx, d, sdp.SerialPort) }, "May " + who + " connect to the service 00001101-0000-1000-8000-00805f9b34fb? [y/N] ", nil, ""},
		"PIN to enter":   {"", func(a Agent) (any, error) { return nil, a.DisplayPINCode(ctx, d, "99") }, `Enter the PIN "99" on ` + who + "\n", nil, ""},
		"to enter":       {"", func(a Agent) (any, error) { return nil, a.DisplayPasskey(ctx, d, 42, 0) }, "Enter the number 000042 on " + who + "\n", nil, ""},
		"being entered":  {"", func(a Agent) (any, error) { return nil, a.DisplayPasskey(ctx, d, 42, 1) }, "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			got, err := tt.call(NewTerminalAgent(strings.NewReader(tt.typed), &shown))
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if (err == nil) != (tt.text == "") || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got the error %v, want %q", err, tt.text)
			}
			if shown.String() != tt.shown {
				t.Errorf("the terminal shows %q, want %q", shown.String(), tt.shown)
			}
		})
	}
}

func TestTerminalAgentDescribes(t *testing.T) {
	var shown strings.Builder
	a := NewTerminalAgent(strings.NewReader("1234\n"), &shown)
	a.Describe = func(context.Context, *Device) string { return "the printer" }
	if pin, err := a.RequestPINCode(t.Context(), nil); pin != "1234" || err != nil {
		t.Errorf("the PIN is %q, %v", pin, err)
	}
	if want := "PIN of the printer (often 0000 or 1234): "; shown.String() != want {
		t.Errorf("the terminal shows %q, want %q", &shown, want)
	}
}

// A line that was typed for a question that has ended is not the answer to a
// later one, unless that one is on the screen already.
func TestTerminalAgentDropsLateAnswers(t *testing.T) {
	_, _, d := fakeDevice(t)
	in, typed := io.Pipe()
	out, shown := io.Pipe()
	defer in.Close()
	defer out.Close()
	screen := bufio.NewReader(out)
	wait := func(text string) {
		t.Helper()
		for got := ""; !strings.HasSuffix(got, text); {
			b, err := screen.ReadByte()
			if err != nil {
				t.Fatal(err)
			}
			got += string(b)
		}
	}
	a := NewTerminalAgent(in, shown)
	ctx, withdraw := context.WithCancel(t.Context())
	first := hosttest.InBackground(func() error { return a.ConfirmPasskey(ctx, d, 1) })
	wait("000001? [y/N] ")
	withdraw()
	wait("no longer needed.\n")
	if err := hosttest.Receive(t, first); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	io.WriteString(typed, "y\n") // late
	hosttest.Eventually(t, "the late answer is dropped", func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return !a.reading
	})
	second := hosttest.InBackground(func() error { return a.ConfirmPasskey(t.Context(), d, 2) })
	wait("000002? [y/N] ")
	io.WriteString(typed, "no\n")
	if err := hosttest.Receive(t, second); !errors.Is(err, errDeclined) {
		t.Errorf("got %v, want that the person declined", err)
	}
}
