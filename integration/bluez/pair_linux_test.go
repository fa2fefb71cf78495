package bluez_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// TestDevicePair pairs adapters of one bluetoothd. The agent of Pair answers for
// the near adapter, and the default agent for the far one.
func TestDevicePair(t *testing.T) {
	requireLab(t)
	radio := rfcommtest.Config{Each: []rfcommtest.ControllerConfig{{}, {}, {Version: rfcommtest.Version20}}, Controllers: 3}
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			a := newAir(t, radio, daemons.Options{BlueZ: version})
			t.Run("open link", a.testOpenLink) // before the adapters have the capability of an agent
			t.Run("numbers", a.testNumbers)
			t.Run("PIN", a.testPINs)
			t.Run("ended", a.testEndedPairings)
			t.Run("stranger", a.testStranger)
			t.Run("without agent", a.testNilAgent)
			if !testing.Short() {
				t.Run("nobody answers", a.testNobodyAnswers)
				t.Run("race", a.testRace)
			}
		})
	}
}

// briefNumbers are the cases of testNumbers with -test.short.
var briefNumbers = []string{"just works, asked", "comparison", "comparison, far no", "passkey, near enters"}

func (a *air) testNumbers(t *testing.T) {
	c := connect(t)
	for name, tt := range map[string]struct {
		near, far           bluez.Capability
		nearSays, farSays   bool
		nearAsked, farAsked string
		highest             rfcomm.Security // at which near can dial far afterwards
	}{
		"just works":           {bluez.NoInputNoOutput, bluez.NoInputNoOutput, true, true, "[]", "[]", rfcomm.SecurityMedium},
		"just works, asked":    {bluez.NoInputNoOutput, bluez.DisplayYesNo, true, true, "[]", "[pair?]", rfcomm.SecurityMedium},
		"just works, far no":   {bluez.NoInputNoOutput, bluez.DisplayYesNo, true, false, "[]", "[pair?]", 0},
		"comparison":           {bluez.DisplayYesNo, bluez.DisplayYesNo, true, true, "[same?]", "[same?]", rfcomm.SecurityHigh},
		"comparison, near no":  {bluez.DisplayYesNo, bluez.DisplayYesNo, false, true, "[same?]", "", 0},
		"comparison, far no":   {bluez.DisplayYesNo, bluez.DisplayYesNo, true, false, "", "[same?]", 0},
		"display only":         {bluez.DisplayOnly, bluez.DisplayYesNo, true, true, "[same?]", "[same?]", rfcomm.SecurityMedium},
		"passkey, near enters": {bluez.KeyboardOnly, bluez.DisplayOnly, true, true, "[passkey?]", "[passkey]", rfcomm.SecurityHigh},
		"passkey, far enters":  {bluez.DisplayOnly, bluez.KeyboardOnly, true, true, "[passkey]", "[passkey?]", rfcomm.SecurityHigh},
	} {
		if testing.Short() && !slices.Contains(briefNumbers, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			near := &person{agrees: tt.nearSays, shown: make(chan uint32, 10)}
			far := &person{agrees: tt.farSays, shown: make(chan uint32, 10)}
			near.reads, far.reads = far, near
			user := userAgent(t, far, tt.far)
			d := a.meet(t, c, a.far)
			defer a.forget(t, c, a.far)
			err := d.Pair(t.Context(), near, tt.near)
			t.Logf("%v with %v: %v", tt.near, tt.far, err)
			if err != nil && !errors.Is(err, bluez.ErrAuthFailed) || errors.Is(err, errNo) == tt.nearSays {
				t.Errorf("got %v", err)
			}
			near.wantAsked(t, tt.nearAsked)
			far.wantAsked(t, tt.farAsked)
			if paired := tt.nearSays && tt.farSays; paired != (err == nil) || paired != bonded(t, d) {
				t.Errorf("bonded is %v, want %v", bonded(t, d), paired)
			}
			if err == nil {
				user.Close()
				a.wantHighest(t, a.far, tt.highest)
			}
		})
	}
}

// A link keeps the capability that the adapters had when it was opened. Before the
// first agent that is NoInputNoOutput, so that a pairing over the link has no
// questions.
func (a *air) testOpenLink(t *testing.T) {
	c := connect(t)
	d := a.meet(t, c, a.far)
	defer a.forget(t, c, a.far)
	search, err := sdp.Connect(t.Context(), a.near.Addr(), a.far.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer search.Close()
	near, far := &person{agrees: true}, &person{agrees: true}
	user := userAgent(t, far, bluez.DisplayYesNo)
	if err := d.Pair(t.Context(), near, bluez.DisplayYesNo); err != nil {
		t.Error(err)
	}
	near.wantAsked(t, "[]")
	far.wantAsked(t, "[]")
	user.Close()
	a.wantHighest(t, a.far, rfcomm.SecurityMedium)
}

func (a *air) testPINs(t *testing.T) {
	c, old := connect(t), a.Controllers()[2]
	for name, tt := range map[string]struct {
		near    bluez.Agent
		far     string
		highest rfcomm.Security
	}{
		"right": {bluez.FixedPIN("1234"), "1234", rfcomm.SecurityMedium},
		"wrong": {bluez.FixedPIN("1234"), "0000", 0},
		"none":  {bluez.RejectAll{}, "0000", 0},
	} {
		t.Run(name, func(t *testing.T) {
			far := &person{agrees: true, pin: tt.far}
			user := userAgent(t, far, bluez.KeyboardDisplay)
			d := a.meet(t, c, old)
			defer a.forget(t, c, old)
			err := d.Pair(t.Context(), tt.near, bluez.KeyboardDisplay)
			t.Log(err)
			paired := tt.highest > 0
			if paired != (err == nil) || paired != bonded(t, d) || err != nil && !errors.Is(err, bluez.ErrAuthFailed) {
				t.Errorf("bonded is %v, %v", bonded(t, d), err)
			}
			if paired {
				far.wantAsked(t, "[PIN?]")
				user.Close()
				a.wantHighest(t, old, tt.highest)
			}
		})
	}
}

func init() {
	// pair pairs adapter and device, and prints each question that it does not
	// answer.
	programs["pair"] = func(ctx context.Context, arguments []string) error {
		client, err := bluez.Connect(ctx)
		if err != nil {
			return err
		}
		defer client.Close()
		device, err := deviceOf(ctx, client, arguments[0], arguments[1])
		if err != nil {
			return err
		}
		silent := &person{ponders: func(ctx context.Context, what string) {
			fmt.Println(what)
			<-ctx.Done()
		}}
		return device.Pair(ctx, silent, bluez.DisplayYesNo)
	}
}

// deviceOf returns the device with an address on the adapter with another one.
func deviceOf(ctx context.Context, c *bluez.Client, adapter, device string) (*bluez.Device, error) {
	near, err := rfcomm.ParseBDAddr(adapter)
	if err != nil {
		return nil, err
	}
	far, err := rfcomm.ParseBDAddr(device)
	if err != nil {
		return nil, err
	}
	a, err := c.Adapter(ctx, near)
	if err != nil {
		return nil, err
	}
	return a.Device(ctx, far)
}

func (a *air) testEndedPairings(t *testing.T) {
	c := connect(t)
	asked := make(chan struct{}, 10)
	silent := func() *person {
		return &person{ponders: func(ctx context.Context, _ string) {
			asked <- struct{}{}
			<-ctx.Done()
		}}
	}
	far := silent()
	user := userAgent(t, far, bluez.DisplayYesNo)
	d := a.meet(t, c, a.far)
	defer a.forget(t, c, a.far)

	t.Run("by the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		near := silent()
		result := hosttest.InBackground(func() error { return d.Pair(ctx, near, bluez.DisplayYesNo) })
		hosttest.Receive(t, asked)
		hosttest.Receive(t, asked) // both
		cancel()
		if err := hosttest.Receive(t, result); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
	t.Run("by the end of the program", func(t *testing.T) {
		d = a.meet(t, c, a.far)
		p := startAsNobody(t, "pair", a.near.Addr().String(), a.far.Addr().String())
		p.wantLine("same?")
		hosttest.Receive(t, asked) // the far one
		p.command.Process.Kill()
		p.end()
		hosttest.Eventually(t, "the link has ended", func() bool {
			p, err := d.Properties(t.Context())
			return err != nil || !p.Connected
		})
	})
	t.Run("by the loss of the link", func(t *testing.T) {
		d = a.meet(t, c, a.far)
		result := hosttest.InBackground(func() error { return d.Pair(t.Context(), silent(), bluez.DisplayYesNo) })
		hosttest.Receive(t, asked)
		hosttest.Receive(t, asked)
		a.Link(a.near, a.far).Disconnect(rfcommtest.RemoteUserTerminated)
		err := hosttest.Receive(t, result)
		t.Log(err)
		if !errors.Is(err, bluez.ErrAuthCanceled) && !errors.Is(err, bluez.ErrAuthFailed) {
			t.Errorf("got %v, want ErrAuthCanceled or ErrAuthFailed", err)
		}
	})
	t.Run("by the end of the default agent", func(t *testing.T) {
		d = a.meet(t, c, a.far)
		near := &person{agrees: true}
		result := hosttest.InBackground(func() error { return d.Pair(t.Context(), near, bluez.DisplayYesNo) })
		hosttest.Receive(t, asked)
		user.Close()
		if err := hosttest.Receive(t, result); !errors.Is(err, bluez.ErrAuthFailed) {
			t.Errorf("got %v, want ErrAuthFailed", err)
		}
	})
	if bonded(t, d) {
		t.Error("the devices have a bond")
	}

	// The next pairing succeeds.
	userAgent(t, &person{agrees: true}, bluez.DisplayYesNo)
	d = a.meet(t, c, a.far)
	if err := d.Pair(t.Context(), &person{agrees: true}, bluez.DisplayYesNo); err != nil {
		t.Error(err)
	}
}

// With no other agent, the agent of a pairing would be the default agent, and
// with NoInputNoOutput, the kernel would accept any pairing that a device
// begins.
func (a *air) testStranger(t *testing.T) {
	c, module, stranger := connect(t), a.newModule(t, "1234"), a.NewDevice(rfcommtest.ControllerConfig{})
	capabilities := []bluez.Capability{bluez.NoInputNoOutput, bluez.DisplayYesNo}
	if testing.Short() {
		capabilities = capabilities[:1]
	}
	for _, capability := range capabilities {
		t.Run(string(capability), func(t *testing.T) {
			d := a.meet(t, c, module.Controller)
			defer a.forget(t, c, module.Controller)
			asked, answer := make(chan struct{}), make(chan struct{})
			near := &person{agrees: true, pin: "1234", ponders: func(context.Context, string) {
				close(asked)
				<-answer
			}}
			result := hosttest.InBackground(func() error { return d.Pair(t.Context(), near, capability) })
			hosttest.Receive(t, asked)
			if err := a.near.SetScan(rfcommtest.PageScan); err != nil {
				t.Error(err)
			}
			channel, err := stranger.DialL2CAP(t.Context(), a.near.Addr(), 3)
			if err == nil {
				channel.Close()
				t.Error("a stranger has paired")
			}
			t.Log(err)
			close(answer)
			if err := hosttest.Receive(t, result); err != nil || !bonded(t, d) {
				t.Errorf("bonded is %v, %v", bonded(t, d), err)
			}
			near.wantAsked(t, "[PIN?]")
		})
	}
}

func (a *air) testNilAgent(t *testing.T) {
	c, module := connect(t), a.newModule(t, "1234")
	d := a.meet(t, c, module.Controller)
	defer a.forget(t, c, module.Controller)
	err := d.Pair(t.Context(), nil, "")
	t.Log(err)
	if err == nil || !strings.Contains(err.Error(), "no default agent") || bonded(t, d) {
		t.Errorf("got %v, want an error that names the missing agent", err)
	}
	user := &person{agrees: true, pin: "1234"}
	userAgent(t, user, bluez.DisplayYesNo)
	d = a.meet(t, c, module.Controller)
	if err := d.Pair(t.Context(), nil, ""); err != nil || !bonded(t, d) {
		t.Errorf("bonded is %v, %v", bonded(t, d), err)
	}
	user.wantAsked(t, "[PIN?]")
}

// newModule adds a device of Bluetooth 2.0, such as an HC-05, to the radio.
func (a *air) newModule(t *testing.T, pin string) *rfcommtest.Device {
	t.Helper()
	module := a.NewDevice(rfcommtest.ControllerConfig{})
	if err := errors.Join(module.SetSimplePairing(false), module.SetPIN(pin)); err != nil {
		t.Fatal(err)
	}
	return module
}

// The link manager gives a pairing up after 30 s.
func (a *air) testNobodyAnswers(t *testing.T) {
	c, gaveUp := connect(t), make(chan struct{})
	userAgent(t, &person{ponders: func(ctx context.Context, _ string) {
		<-ctx.Done()
		close(gaveUp)
	}}, bluez.DisplayYesNo)
	d := a.meet(t, c, a.far)
	defer a.forget(t, c, a.far)
	began := time.Now()
	err := d.Pair(t.Context(), &person{agrees: true}, bluez.DisplayYesNo)
	t.Logf("after %v: %v", time.Since(began).Round(100*time.Millisecond), err)
	if !errors.Is(err, bluez.ErrAuthTimeout) || bonded(t, d) {
		t.Errorf("got %v, want ErrAuthTimeout", err)
	}
	hosttest.Receive(t, gaveUp)
}

// A context that ends in the moment in which the devices pair does not remove a
// bond. A bond that was made suffices for a dial.
func (a *air) testRace(t *testing.T) {
	c := connect(t)
	userAgent(t, &person{agrees: true}, bluez.DisplayYesNo)
	for round := range 10 {
		d := a.meet(t, c, a.far)
		ctx, cancel := context.WithCancel(t.Context())
		near := &person{agrees: true, ponders: func(context.Context, string) {
			time.AfterFunc(time.Duration(round)*20*time.Millisecond, cancel)
		}}
		err := d.Pair(ctx, near, bluez.DisplayYesNo)
		cancel()
		made := bonded(t, d)
		t.Logf("round %d: bonded is %v, %v", round, made, err)
		if err != nil && !errors.Is(err, context.Canceled) || err == nil && !made {
			t.Errorf("bonded is %v, %v", made, err)
		}
		if made {
			a.wantHighest(t, a.far, rfcomm.SecurityHigh)
			if !bonded(t, d) {
				t.Error("the bond was removed")
			}
		}
		a.forget(t, c, a.far)
	}
}

// bonded reports whether bluetoothd has a bond with the device.
func bonded(t *testing.T, d *bluez.Device) bool {
	t.Helper()
	p, err := d.Properties(t.Context())
	if err != nil && !errors.Is(err, bluez.ErrGone) {
		t.Fatal(err)
	}
	if p.Bonded && !p.Paired {
		t.Error("the device is bonded and not paired")
	}
	return p.Bonded
}

// refusals are the errors of dials with an insufficient key: those of the dialing
// kernel, and that of the listening one. Which of the two finds a PIN too short
// for SecurityHigh differs between kernels.
var refusals = []error{unix.EACCES, unix.EBADE, unix.ECONNREFUSED}

// wantHighest checks that near can dial a peer at all security levels up to the
// highest, over a new link, and at none above.
func (a *air) wantHighest(t *testing.T, peer *rfcommtest.Controller, highest rfcomm.Security) {
	t.Helper()
	for _, level := range []rfcomm.Security{rfcomm.SecurityMedium, rfcomm.SecurityHigh} {
		a.Link(a.near, peer).Disconnect(rfcommtest.RemoteUserTerminated)
		listener := conntest.ListenWith(t, rfcomm.ListenConfig{Security: level}, peer.Addr())
		d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.near.Addr()}, Security: level}
		c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		t.Logf("dial at %v: %v", level, err)
		switch {
		case err == nil:
			c.Close()
			if level > highest {
				t.Errorf("connected at %v", level)
			}
		case level <= highest || !slices.ContainsFunc(refusals, func(refusal error) bool { return errors.Is(err, refusal) }):
			t.Errorf("dial at %v: %v", level, err)
		}
	}
}
