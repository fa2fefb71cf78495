package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

func TestPairTakesTargets(t *testing.T) {
	for line, want := range map[string]pairing{
		printerText:             {device: printerAddr},
		"00-aa-01-00-00-02":     {device: scannerAddr},
		"Scanner -i hci0":       {device: scannerAddr, adapter: adapterAddr},
		"printer --pin 1234":    {device: printerAddr},
		printerText + " -t 5m":  {device: printerAddr},
		"Found --adapter=hci0":  {device: rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 1}, adapter: adapterAddr},
		"scanner --pin=0123456": {device: scannerAddr},
	} {
		f := newFake(t)
		f.knownList = []knownDevice{{printerAddr, "Printer", false}, {scannerAddr, "Scanner", true}}
		f.inRange = found("Found")
		f.runs(t, 0, append([]string{"pair"}, strings.Fields(line)...)...)
		if len(f.pairings) != 1 {
			t.Fatalf("%s: pairings %v", line, f.pairings)
		}
		if got := f.pairings[0]; got.device != want.device || got.adapter != want.adapter || got.capability != bluez.NoInputNoOutput {
			t.Errorf("%s: pairing %+v", line, got)
		}
	}
}

// The questions of a device, with the answers on the terminal and the result.
func TestPairAsks(t *testing.T) {
	pinIs := func(want string) func(context.Context, pairing) error {
		return func(ctx context.Context, p pairing) error {
			if pin, err := p.agent.RequestPINCode(ctx, nil); err != nil || pin != want {
				return fmt.Errorf("the PIN is %q, %w", pin, err)
			}
			return nil
		}
	}
	passkey := func(ctx context.Context, p pairing) error {
		if passkey, err := p.agent.RequestPasskey(ctx, nil); err != nil || passkey != 42 {
			return fmt.Errorf("the passkey is %d, %w", passkey, err)
		}
		return nil
	}
	confirm := func(ctx context.Context, p pairing) error { return p.agent.ConfirmPasskey(ctx, nil, 42) }
	for name, tt := range map[string]struct {
		asked  func(context.Context, pairing) error
		typed  string
		flags  string
		status int
		parts  []string
	}{
		"PIN":              {pinIs("1234"), " 1234 \n", "", 0, []string{`PIN of 00:AA:01:00:00:01 (evil\x1b[2J)`}},
		"PIN of the flag":  {pinIs("0000"), "", "--pin 0000", 0, nil},
		"empty PIN":        {pinIs(""), "\n", "", statusPermission, []string{"not a PIN", "1 to 16"}},
		"long PIN":         {pinIs(""), "12345678901234567\n", "", statusPermission, []string{"not a PIN"}},
		"end of input":     {pinIs(""), "", "", statusPermission, []string{"wants a PIN, and standard input has ended: use --pin"}},
		"passkey":          {passkey, "000042\n", "", 0, []string{"The number that "}},
		"wrong passkey":    {passkey, "forty\n", "", statusPermission, []string{`"forty" is not a number of six digits`}},
		"too long passkey": {passkey, "0000042\n", "", statusPermission, []string{"six digits"}},
		"yes":              {confirm, "Y\n", "", 0, []string{`show the number 000042? [y/N] `}},
		"yes in full":      {confirm, "yes\n", "", 0, nil},
		"no":               {confirm, "n\n", "", statusPermission, []string{"000042 was not confirmed"}},
		"Enter alone":      {confirm, "\n", "", statusPermission, []string{"was not confirmed"}},
	} {
		f := newFake(t)
		f.answers, f.chatty = true, true
		f.stdin = strings.NewReader(tt.typed)
		f.knownList = []knownDevice{{printerAddr, "evil\x1b[2J", false}}
		f.asked = tt.asked
		_, stderr := f.runs(t, tt.status, append([]string{"pair", printerText}, strings.Fields(tt.flags)...)...)
		if wantParts(t, stderr, tt.parts...); f.pairings[0].capability != bluez.KeyboardDisplay {
			t.Errorf("%s: capability %s", name, f.pairings[0].capability)
		}
		if strings.Contains(stderr, "\x1b") {
			t.Errorf("%s: printed %q", name, stderr)
		}
	}
}

// Without a terminal, it asks nothing, and does not read standard input.
func TestPairRefusesWithoutTerminal(t *testing.T) {
	for part, asked := range map[string]func(context.Context, bluez.Agent) error{
		": use --pin":          func(ctx context.Context, a bluez.Agent) error { _, err := a.RequestPINCode(ctx, nil); return err },
		"has to be typed here": func(ctx context.Context, a bluez.Agent) error { _, err := a.RequestPasskey(ctx, nil); return err },
		"has to be compared":   func(ctx context.Context, a bluez.Agent) error { return a.ConfirmPasskey(ctx, nil, 1) },
		"typed on " + printerText: func(ctx context.Context, a bluez.Agent) error {
			return a.DisplayPasskey(ctx, nil, 1, 0)
		},
	} {
		f := newFake(t)
		f.asked = func(ctx context.Context, p pairing) error {
			if asked(ctx, p.agent) == nil {
				t.Errorf("the question was answered")
			}
			return errors.New("rejected")
		}
		_, stderr := f.runs(t, statusPermission, "pair", printerText)
		wantError(t, stderr, part, "no terminal")
		if rest, _ := io.ReadAll(f.stdin); string(rest) != "" {
			t.Errorf("standard input has %q left", rest)
		}
	}
}

// The numbers to type on the device are printed once, not for each digit.
func TestPairShowsNumbers(t *testing.T) {
	f := newFake(t)
	f.answers = true
	f.asked = func(ctx context.Context, p pairing) error {
		for entered := range 7 {
			if err := p.agent.DisplayPasskey(ctx, nil, 77, uint16(entered)); err != nil {
				return err
			}
		}
		return nil
	}
	if _, stderr := f.runs(t, 0, "pair", printerText); stderr != "Enter the number 000077 on "+printerText+"\n" {
		t.Errorf("it printed %q", stderr)
	}
	f.asked = func(ctx context.Context, p pairing) error { return p.agent.DisplayPINCode(ctx, nil, "845") }
	_, stderr := f.runs(t, 0, "pair", printerText)
	wantParts(t, stderr, `Enter the PIN "845" on `)
}

// The person who named the device wants to pair with it. Nothing else is
// accepted.
func TestPairAcceptsPairingAlone(t *testing.T) {
	f := newFake(t)
	f.asked = func(ctx context.Context, p pairing) error {
		if err := p.agent.AuthorizePairing(ctx, nil); err != nil {
			t.Errorf("AuthorizePairing returned %v", err)
		}
		if p.agent.AuthorizeService(ctx, nil, sdp.SerialPort) == nil {
			t.Errorf("a service was authorized")
		}
		return nil
	}
	f.runs(t, 0, "pair", printerText)
}

func TestPairGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, began := newFake(t), time.Now()
		user := io.Reader(nil)
		user, _ = io.Pipe()
		f.stdin, f.answers = user, true
		f.asked = func(ctx context.Context, p pairing) error {
			_, err := p.agent.RequestPINCode(ctx, nil)
			return fmt.Errorf("rejected, since %w", err)
		}
		_, stderr := f.runs(t, statusBusy, "pair", printerText, "-t", "20s")
		wantParts(t, stderr, "not paired with "+printerText+" within 20s")
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("it took %v", took)
		}
		user.(*io.PipeReader).Close()
	})
}

func TestPairNamesFailures(t *testing.T) {
	f := newFake(t)
	f.err = bluez.ErrNoDaemon
	_, stderr := f.runs(t, statusOther, "pair", printerText)
	wantError(t, stderr, bluez.ErrNoDaemon.Error())
	f.err = &bluez.Error{Op: "Pair", Err: bluez.ErrPaired}
	_, stderr = f.runs(t, 0, "pair", printerText)
	wantError(t, stderr, printerText+" is paired already")
}

func TestPairRefusesWrongUsage(t *testing.T) {
	for line, part := range map[string]string{
		"pair":                            "DEVICE is missing",
		"pair " + printerText + " x":      `unexpected word "x"`,
		"pair " + printerText + "/spp":    "has a service: pair takes a device",
		"pair " + printerText + " --pin=": "1 to 16 characters",
		"pair x --pin 12345678901234567":  "1 to 16 characters",
		"pair " + printerText + " -t 0":   "more than 0",
		"pair 00:AA:01":                   "should look like",
		"pair --tcp 127.0.0.1:1":          "does not work over TCP",
	} {
		f := newFake(t)
		_, stderr := f.runs(t, statusUsage, strings.Fields(line)...)
		wantError(t, stderr, part)
		if len(f.pairings)+len(f.inquiries) > 0 {
			t.Errorf("%s: it did something", line)
		}
	}
}
