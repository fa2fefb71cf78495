package bluez

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A clerk is an agent that answers as its fields say. The zero value agrees to
// everything.
type clerk struct {
	pin     string
	passkey uint32
	err     error
	wait    func(ctx context.Context) // before each answer

	mu    sync.Mutex
	asked []string
}

func (a *clerk) answer(ctx context.Context, d *Device, question string) error {
	a.mu.Lock()
	a.asked = append(a.asked, fmt.Sprintf("%s: %s", d, question))
	a.mu.Unlock()
	if a.wait != nil {
		a.wait(ctx)
	}
	return a.err
}

// forget forgets the questions so far.
func (a *clerk) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = nil
}

// questions returns the questions so far.
func (a *clerk) questions() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.Join(a.asked, "; ")
}

func (a *clerk) RequestPINCode(ctx context.Context, d *Device) (string, error) {
	return a.pin, a.answer(ctx, d, "PIN")
}

func (a *clerk) DisplayPINCode(ctx context.Context, d *Device, pin string) error {
	return a.answer(ctx, d, "display PIN "+pin)
}

func (a *clerk) RequestPasskey(ctx context.Context, d *Device) (uint32, error) {
	return a.passkey, a.answer(ctx, d, "passkey")
}

func (a *clerk) DisplayPasskey(ctx context.Context, d *Device, passkey uint32, entered uint16) error {
	return a.answer(ctx, d, fmt.Sprintf("display %06d, %d", passkey, entered))
}

func (a *clerk) ConfirmPasskey(ctx context.Context, d *Device, passkey uint32) error {
	return a.answer(ctx, d, fmt.Sprintf("confirm %06d", passkey))
}

func (a *clerk) AuthorizePairing(ctx context.Context, d *Device) error {
	return a.answer(ctx, d, "authorize")
}

func (a *clerk) AuthorizeService(ctx context.Context, d *Device, service sdp.UUID) error {
	return a.answer(ctx, d, "service "+service.String())
}

const pairAddress = "00:00:00:00:00:02"

// fakeDevice returns a bluetoothd with a device, and a Client's handle of it.
func fakeDevice(t testing.TB) (*fakebus.BlueZ, *fakebus.Device, *Device) {
	t.Helper()
	hosttest.CheckLeaksAtEnd(t)
	z := fakebus.NewBlueZ(t)
	f := z.AddDevice(z.AddAdapter("hci0", "00:00:00:00:00:01", nil), pairAddress, nil)
	c, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := c.deviceAt(t.Context(), f.Path())
	if err != nil {
		t.Fatal(err)
	}
	return z, f, d
}

// unpair makes bluetoothd forget a bond.
func unpair(f *fakebus.Device) {
	f.Set(deviceInterface, map[string]any{"Paired": false, "Bonded": false})
}

func TestDevicePairAsksAgent(t *testing.T) {
	no := errors.New("no, thanks")
	z, f, d := fakeDevice(t)
	for name, tt := range map[string]struct {
		pair  fakebus.PairFunc
		agent Agent
		asked string
		cause error // nil: the devices pair
		text  string
	}{
		"just works":     {fakebus.JustWorks, &clerk{}, "", nil, ""},
		"comparison":     {fakebus.Compare(42), &clerk{}, "confirm 000042", nil, ""},
		"comparison, no": {fakebus.Compare(42), &clerk{err: no}, "confirm 000042", no, "the agent refused: no, thanks"},
		"PIN":            {fakebus.PIN("1234"), &clerk{pin: "1234"}, "PIN", nil, ""},
		"wrong PIN":      {fakebus.PIN("1234"), &clerk{pin: "0000"}, "PIN", ErrAuthFailed, ""},
		"PIN, no":        {fakebus.PIN("1234"), &clerk{pin: "1234", err: no}, "PIN", no, "the agent refused: no, thanks"},
		"no PIN":         {fakebus.PIN("1234"), &clerk{}, "PIN", ErrAuthFailed, "the PIN has 0 bytes; valid are 1 to 16"},
		"long PIN":       {fakebus.PIN("1234"), &clerk{pin: "12345678901234567"}, "PIN", ErrAuthFailed, "the PIN has 17 bytes"},
		"passkey":        {fakebus.Passkey(999999), &clerk{passkey: 999999}, "passkey", nil, ""},
		"long passkey":   {fakebus.Passkey(999999), &clerk{passkey: 1000000}, "passkey", ErrAuthFailed, "passkey 1000000; valid are 0 to 999999"},
		"display PIN":    {displayPIN, &clerk{}, "display PIN 0123", nil, ""},
		"display":        {display, &clerk{}, "display 000042, 0; display 000042, 1; display PIN 7", nil, ""},
		"rejecting all":  {fakebus.Compare(42), RejectAll{}, "", ErrAuthFailed, "the agent refused: this agent does not answer such requests"},
		"fixed PIN":      {fakebus.PIN("1234"), FixedPIN("1234"), "", nil, ""},
		"fixed PIN only": {fakebus.Compare(42), FixedPIN("1234"), "", ErrAuthFailed, "the agent refused"},
		"confirming":     {fakebus.Compare(42), Confirm(func(_ context.Context, _ *Device, n uint32) error { return confirm42(n) }), "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f.OnPair(tt.pair)
			err := d.Pair(t.Context(), tt.agent, KeyboardDisplay)
			wantCause(t, err, tt.cause, tt.text)
			if a, ok := tt.agent.(*clerk); ok {
				if got := strings.ReplaceAll(a.questions(), pairAddress+": ", ""); got != tt.asked {
					t.Errorf("the agent was asked %q, want %q", got, tt.asked)
				}
			}
			if paired := f.Is("Paired") && f.Is("Bonded"); paired != (tt.cause == nil) {
				t.Errorf("paired is %v", paired)
			}
			unpair(f)
			wantNoAgents(t, z)
		})
	}
}

func confirm42(n uint32) error {
	if n != 42 {
		return fmt.Errorf("%d is not 42", n)
	}
	return nil
}

// wantCause checks that an error has a cause and contains a text. A nil cause
// means no error.
func wantCause(t *testing.T, err, cause error, text string) {
	t.Helper()
	switch {
	case (err == nil) != (cause == nil), !errors.Is(err, cause):
		t.Errorf("got %v, want %v", err, cause)
	case err != nil && !strings.Contains(err.Error(), text):
		t.Errorf("%v: does not contain %q", err, text)
	}
}

// wantNoAgents checks that bluetoothd has no agents, or will have none.
func wantNoAgents(t *testing.T, z *fakebus.BlueZ) {
	t.Helper()
	hosttest.Eventually(t, "no agents", func() bool { return len(z.Agents()) == 0 })
}

// displayPIN is the pairing with a keyboard of Bluetooth 2.0.
func displayPIN(ctx context.Context, p *fakebus.Pairing) fakebus.Status {
	if p.DisplayPINCode(ctx, "0123") != nil {
		return fakebus.Failed
	}
	return fakebus.Success
}

// display is the pairing with a keyboard, on which a digit is entered.
func display(ctx context.Context, p *fakebus.Pairing) fakebus.Status {
	p.DisplayPasskey(42, 0)
	p.DisplayPasskey(42, 1)
	if p.DisplayPINCode(ctx, "7") != nil { // bluetoothd waits for the answer
		return fakebus.Failed
	}
	return fakebus.Success
}

func TestDevicePairChecksArguments(t *testing.T) {
	z, _, d := fakeDevice(t)
	wantText := func(err error, text string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want an error that contains %q", err, text)
		}
	}
	wantText(d.Pair(t.Context(), RejectAll{}, ""), `invalid capability ""`)
	wantText(d.Pair(t.Context(), RejectAll{}, "Display"), `invalid capability "Display"; the capabilities are ["DisplayOnly"`)
	wantText(d.Pair(t.Context(), nil, DisplayOnly), `capability "DisplayOnly" without an agent`)
	if calls := z.Calls("org.bluez.AgentManager1.RegisterAgent"); len(calls) != 0 {
		t.Errorf("%d agents were registered", len(calls))
	}
}

// ended reports whether bluetoothd has ended the pairing.
func ended(f *fakebus.Device) func() bool {
	return func() bool { return !f.Pairing() }
}

// The end of the context ends the pairing in bluetoothd, without CancelPairing,
// and the context of the question.
func TestDevicePairEndsWithContext(t *testing.T) {
	z, f, d := fakeDevice(t)
	f.OnPair(fakebus.Compare(1))
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	var question error
	a := &clerk{wait: func(ctx context.Context) {
		cancel(cause)
		<-ctx.Done()
		question = ctx.Err()
	}}
	err := d.Pair(ctx, a, DisplayYesNo)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if question == nil {
		t.Error("the context of the question did not end")
	}
	hosttest.Eventually(t, "the pairing has ended", ended(f))
	wantNoAgents(t, z)
	if calls := z.Calls("org.bluez.Device1.CancelPairing"); len(calls) != 0 {
		t.Error("CancelPairing was called, which removes bonds")
	}
}

func TestDevicePairTimesOut(t *testing.T) {
	_, f, d := fakeDevice(t)
	f.OnPair(fakebus.NoAnswer)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := d.Pair(ctx, RejectAll{}, DisplayYesNo)
	var timeout interface{ Timeout() bool }
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v: not a timeout", err)
	}
	hosttest.Eventually(t, "the pairing has ended", ended(f))
}

// A context that ends in the moment in which the pairing succeeds never removes
// the bond.
func TestDevicePairKeepsBondInRace(t *testing.T) {
	z, f, d := fakeDevice(t)
	succeeded := 0
	for round := range 100 {
		err, made := cancelPairing(t, f, d, time.Duration(round)*10*time.Microsecond)
		wantNoAgents(t, z)
		// Without a default agent, the fake does not keep the key, so that the
		// device is paired and not bonded.
		hosttest.Eventually(t, fmt.Sprintf("round %d: paired is %v", round, made), func() bool { return f.Is("Paired") == made })
		switch {
		case err == nil && !made:
			t.Fatalf("round %d: Pair succeeded without a bond", round)
		case err == nil:
			succeeded++
		case !errors.Is(err, context.Canceled):
			t.Fatal(err)
		}
		unpair(f)
	}
	t.Logf("%d of 100 calls of Pair succeeded", succeeded)
	if calls := z.Calls("org.bluez.Device1.CancelPairing"); len(calls) != 0 {
		t.Error("CancelPairing was called, which removes bonds")
	}
}

// cancelPairing ends the context of a pairing some time after the question. It
// also reports whether the kernel has made a bond.
func cancelPairing(t *testing.T, f *fakebus.Device, d *Device, after time.Duration) (err error, made bool) {
	ctx, cancel := context.WithCancel(t.Context())
	kernel := make(chan fakebus.Status, 1)
	f.OnPair(func(pairing context.Context, p *fakebus.Pairing) (status fakebus.Status) {
		defer func() { kernel <- status }()
		if p.RequestConfirmation(pairing, 1) != nil {
			return fakebus.Cancelled
		}
		return fakebus.Success
	})
	var canceled sync.WaitGroup
	a := &clerk{wait: func(context.Context) {
		canceled.Go(func() {
			time.Sleep(after)
			cancel()
		})
	}}
	err = d.Pair(ctx, a, DisplayYesNo)
	canceled.Wait()
	made = hosttest.Receive(t, kernel) == fakebus.Success
	return err, made
}

// The reply of bluetoothd is late by the search for services. The context that
// ends meanwhile does not remove the bond.
func TestDevicePairKeepsBondBeforeReply(t *testing.T) {
	z, f, d := fakeDevice(t)
	for range 100 {
		hold := z.HoldReply("org.bluez.Device1.Pair")
		ctx, cancel := context.WithCancel(t.Context())
		result := hosttest.InBackground(func() error { return d.Pair(ctx, RejectAll{}, NoInputNoOutput) })
		hold.Await(t)
		cancel()
		if err := hosttest.Receive(t, result); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v, want context.Canceled", err)
		}
		hold.Release()
		wantNoAgents(t, z)
		if !f.Is("Bonded") {
			t.Fatal("the bond was removed")
		}
		unpair(f)
	}
}

// With no other agent, bluetoothd makes the first one the default agent. The
// agent of a pairing is not asked about other devices, and none of them can pair
// without a question.
func TestDevicePairAnswersForNoOther(t *testing.T) {
	z, f, d := fakeDevice(t)
	stranger := z.AddDevice(z.AddAdapter("hci1", "00:00:00:00:00:03", nil), "00:00:00:00:00:04", nil)
	for _, capability := range capabilities {
		f.OnPair(func(ctx context.Context, p *fakebus.Pairing) fakebus.Status {
			if got := stranger.PairFrom(ctx, incoming(z)); got != fakebus.Failed {
				t.Errorf("%s: a stranger's pairing: %q, want %q", capability, got, fakebus.Failed)
			}
			return fakebus.Compare(1)(ctx, p)
		})
		a := &clerk{}
		if err := d.Pair(t.Context(), a, capability); err != nil {
			t.Error(err)
		}
		if got, want := a.questions(), pairAddress+": confirm 000001"; got != want {
			t.Errorf("%s: the agent was asked %q, want %q", capability, got, want)
		}
		if stranger.Is("Paired") {
			t.Errorf("%s: a stranger has paired", capability)
		}
		unpair(f)
		wantNoAgents(t, z)
	}
}

// incoming is a just works pairing that the other device begins. The kernel
// accepts it itself if the adapter has the capability NoInputNoOutput, which is
// that of the default agent (hci_user_confirm_request_evt).
func incoming(z *fakebus.BlueZ) fakebus.PairFunc {
	return func(ctx context.Context, p *fakebus.Pairing) fakebus.Status {
		if agents := z.Agents(); len(agents) > 0 && agents[0].Capability == string(NoInputNoOutput) {
			return fakebus.Success
		}
		if p.RequestAuthorization(ctx) != nil {
			return fakebus.Failed
		}
		return fakebus.Success
	}
}

// Even as the default agent, the agent of a pairing answers for its device
// alone.
func TestDevicePairRejectsForeignRequests(t *testing.T) {
	z, f, d := fakeDevice(t)
	f.OnPair(func(ctx context.Context, p *fakebus.Pairing) fakebus.Status {
		agents := z.Agents()
		own := agents[len(agents)-1]
		other := dbus.ObjectPath("/org/bluez/hci0/dev_00_00_00_00_00_09")
		service := sdp.SerialPort.String()
		for method, arguments := range map[string][]any{
			"RequestPinCode":       {other},
			"DisplayPinCode":       {other, "0000"},
			"RequestPasskey":       {other},
			"RequestConfirmation":  {other, uint32(1)},
			"RequestAuthorization": {other},
			"AuthorizeService":     {other, service},
		} {
			if _, err := own.Call(ctx, method, arguments...); !isRejection(err) {
				t.Errorf("%s for another device: %v", method, err)
			}
		}
		if _, err := own.Call(ctx, "AuthorizeService", f.Path(), service); !isRejection(err) {
			t.Errorf("AuthorizeService: %v", err)
		}
		return fakebus.Success
	})
	a := &clerk{pin: "0000"}
	if err := d.Pair(t.Context(), a, DisplayYesNo); err != nil {
		t.Error(err)
	}
	if got := a.questions(); got != "" {
		t.Errorf("the agent was asked %q", got)
	}
}

func isRejection(err error) bool {
	var e dbus.Error
	return errors.As(err, &e) && e.Name == errorRejected
}

// bluetoothd asks again after a withdrawn question.
func TestAgentContextEndsWithCancel(t *testing.T) {
	z, f, d := fakeDevice(t)
	asked := make(chan context.Context, 2)
	a := &clerk{wait: func(ctx context.Context) {
		if len(asked) == 0 {
			asked <- ctx
			<-ctx.Done()
			return
		}
		asked <- ctx
	}}
	f.OnPair(func(ctx context.Context, p *fakebus.Pairing) fakebus.Status {
		first, withdraw := context.WithCancel(ctx)
		withdrawn := hosttest.InBackground(func() error { return p.RequestConfirmation(first, 1) })
		hosttest.Eventually(t, "a question", func() bool { return len(asked) == 1 })
		withdraw()
		hosttest.Receive(t, withdrawn)
		if p.RequestConfirmation(ctx, 2) != nil {
			return fakebus.Failed
		}
		return fakebus.Success
	})
	if err := d.Pair(t.Context(), a, DisplayYesNo); err != nil {
		t.Error(err)
	}
	if want := pairAddress + ": confirm 000001; " + pairAddress + ": confirm 000002"; a.questions() != want {
		t.Errorf("got the questions %q, want %q", a.questions(), want)
	}
	_ = z
}

func TestDevicePairEndsWithDaemon(t *testing.T) {
	z, f, d := fakeDevice(t)
	f.OnPair(fakebus.Compare(1))
	a := &clerk{wait: func(ctx context.Context) {
		z.Stop()
		<-ctx.Done()
	}}
	if err := d.Pair(t.Context(), a, DisplayYesNo); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v, want ErrNoDaemon", err)
	}
	if err := d.Pair(t.Context(), a, DisplayYesNo); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v, want ErrNoDaemon", err)
	}
}

func TestDevicePairWithoutAgent(t *testing.T) {
	z, f, d := fakeDevice(t)
	f.OnPair(fakebus.Compare(7))
	err := d.Pair(t.Context(), nil, "")
	wantCause(t, err, ErrAuthFailed, "the machine has no default agent")

	// The agent of the Client, which bluetoothd does not know.
	a := &clerk{}
	r, err := d.client().RegisterAgent(t.Context(), a, AgentOptions{Capability: KeyboardOnly})
	if err != nil {
		t.Fatal(err)
	}
	wantNoAgents(t, z)
	if err := d.Pair(t.Context(), nil, ""); err != nil {
		t.Error(err)
	}
	if got, want := a.questions(), pairAddress+": confirm 000007"; got != want {
		t.Errorf("the Client's agent was asked %q, want %q", got, want)
	}
	calls := z.Calls("org.bluez.AgentManager1.RegisterAgent")
	if got := calls[len(calls)-1].Body[1]; got != "KeyboardOnly" {
		t.Errorf("the capability is %v, want that of the Client's agent", got)
	}
	r.Close()
	unpair(f)

	// The default agent of the machine.
	other, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	desktop := &clerk{}
	if _, err := other.RegisterAgent(t.Context(), desktop, AgentOptions{Capability: DisplayYesNo, Default: true}); err != nil {
		t.Fatal(err)
	}
	if err := d.Pair(t.Context(), nil, ""); err != nil {
		t.Error(err)
	}
	if got, want := desktop.questions(), pairAddress+": confirm 000007"; got != want {
		t.Errorf("the default agent was asked %q, want %q", got, want)
	}
}
