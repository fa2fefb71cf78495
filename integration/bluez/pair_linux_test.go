package bluez_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// pairings are pairings of two adapters of one bluetoothd: the agent of Pair
// answers for the near one, the default agent for the far one.
var pairings = map[string]struct {
	near, far     bluez.Capability
	nearNo, farNo bool
	nearQ, farQ   string
	fails         error
	highest       rfcomm.Security
}{
	"just works":           {near: bluez.NoInputNoOutput, far: bluez.NoInputNoOutput, nearQ: "[]", farQ: "[]", highest: rfcomm.SecurityMedium},
	"just works, asked":    {near: bluez.NoInputNoOutput, far: bluez.DisplayYesNo, nearQ: "[]", farQ: "[pair?]"},
	"just works, no":       {near: bluez.NoInputNoOutput, far: bluez.DisplayYesNo, farNo: true, nearQ: "[]", farQ: "[pair?]", fails: bluez.ErrAuthFailed},
	"comparison":           {near: bluez.DisplayYesNo, far: bluez.DisplayYesNo, nearQ: "[same?]", farQ: "[same?]", highest: rfcomm.SecurityHigh},
	"comparison, near no":  {near: bluez.DisplayYesNo, far: bluez.DisplayYesNo, nearNo: true, nearQ: "[same?]", farQ: "[same?]", fails: bluez.ErrAuthFailed},
	"comparison, far no":   {near: bluez.DisplayYesNo, far: bluez.DisplayYesNo, farNo: true, nearQ: "[same?]", farQ: "[same?]", fails: bluez.ErrAuthFailed},
	"passkey, near enters": {near: bluez.KeyboardOnly, far: bluez.DisplayOnly, nearQ: "[passkey?]", farQ: "[passkey]", highest: rfcomm.SecurityHigh},
	"passkey, far enters":  {near: bluez.DisplayOnly, far: bluez.KeyboardOnly, nearQ: "[passkey]", farQ: "[passkey?]", highest: rfcomm.SecurityHigh},
}

func TestDevicePair(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		c := connect(t)
		for name, tt := range pairings {
			t.Run(name, func(t *testing.T) {
				near, far := &person{agrees: !tt.nearNo, shown: make(chan uint32, 10)}, &person{agrees: !tt.farNo, shown: make(chan uint32, 10)}
				near.reads, far.reads = far, near
				user := userAgent(t, far, tt.far)
				d := a.meet(t, c, a.far)
				defer a.forget(t, c, a.far)
				began := time.Now()
				err := d.Pair(t.Context(), near, tt.near)
				t.Logf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
				if !errors.Is(err, tt.fails) {
					t.Errorf("got %v, want %v", err, tt.fails)
				}
				if tt.nearNo && !errors.Is(err, errNo) {
					t.Errorf("%v: without the agent's error", err)
				}
				if got := near.takeQuestions(); got != tt.nearQ {
					t.Errorf("the agent of Pair was asked %s, want %s", got, tt.nearQ)
				}
				if got := far.takeQuestions(); got != tt.farQ {
					t.Errorf("the default agent was asked %s, want %s", got, tt.farQ)
				}
				wantPaired(t, d, tt.fails == nil)
				user.Close()
				if tt.highest > 0 {
					wantHighest(t, a, tt.highest)
				}
			})
		}
	})
}

// wantPaired checks whether bluetoothd has a bond with the device.
func wantPaired(t *testing.T, d *bluez.Device, want bool) {
	t.Helper()
	p, err := d.Properties(t.Context())
	if err != nil && !errors.Is(err, bluez.ErrGone) {
		t.Fatal(err)
	}
	if p.Paired != want || p.Bonded != want {
		t.Errorf("paired %v, bonded %v; want %v", p.Paired, p.Bonded, want)
	}
}

// wantHighest checks that near can dial far at all security levels up to the
// highest, over a new link, and at none above.
func wantHighest(t *testing.T, a *air, highest rfcomm.Security) {
	t.Helper()
	for _, level := range []rfcomm.Security{rfcomm.SecurityMedium, rfcomm.SecurityHigh} {
		a.Link(a.near, a.far).Disconnect(rfcommtest.RemoteUserTerminated)
		listener := conntest.ListenWith(t, rfcomm.ListenConfig{Security: level}, a.far.Addr())
		d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.near.Addr()}, Security: level}
		c, err := d.DialRFCOMM(t.Context(), conntest.AddrOf(listener))
		if err == nil {
			c.Close()
		}
		if want := level <= highest; (err == nil) != want {
			t.Errorf("dial at %v: %v", level, err)
		} else if err != nil && !strings.Contains(err.Error(), "paired") {
			t.Errorf("dial at %v: %v: does not name the cause", level, err)
		}
	}
}
