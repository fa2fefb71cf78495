package bluez_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// rounds is the number of discoveries of discoverNames.
func rounds() int {
	if testing.Short() {
		return 5
	}
	return 20
}

func TestDiscover(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		t.Run("names", func(t *testing.T) { discoverNames(t, a) })
		t.Run("together", func(t *testing.T) { discoverTogether(t, a) })
		// bluetoothd starts a discovery anew 5 s after a link has ended
		// (resume_discovery in src/adapter.c), before the kernel requests names, so
		// the old device comes before the test that has links.
		if !testing.Short() { // it takes more than 10 s
			t.Run("old device", func(t *testing.T) { discoverOldDevice(t, a) })
		}
		t.Run("dial", func(t *testing.T) { discoverWhileDialing(t, a) })
		t.Run("ends", func(t *testing.T) { discoverEnds(t, a) })
	})
}

// firstWithName returns the first device whose name is known.
func firstWithName(ctx context.Context, a *bluez.Adapter, options *bluez.DiscoverOptions) (inquiry.Device, error) {
	for device, err := range a.Discover(ctx, options) {
		if err != nil || device.Name != "" {
			return device, err
		}
	}
	return inquiry.Device{}, fmt.Errorf("no device with a name")
}

func init() {
	// discover discovers again and again until it is ended.
	programs["discover"] = func(ctx context.Context, arguments []string) error {
		client, adapter, err := openAdapter(ctx, arguments[0])
		if err != nil {
			return err
		}
		defer client.Close()
		for ctx.Err() == nil {
			device, err := firstWithName(ctx, adapter, nil)
			if err != nil && ctx.Err() == nil {
				return err
			}
			fmt.Println(device)
		}
		return nil
	}
}

// Discoveries as user nobody find the other adapter with its name.
func discoverNames(t *testing.T, a *air) {
	client := connect(t)
	far := adapterOf(t, client, a.far)
	if err := far.SetAlias(t.Context(), "Far \u00e9 <&>"); err != nil {
		t.Fatal(err)
	}
	if err := far.SetDiscoverable(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	p := startAsNobody(t, "discover", a.near.Addr().String())
	var lines []string
	for range rounds() {
		lines = append(lines, p.line())
	}
	if complaints := p.end(); complaints != "" {
		t.Error(complaints)
	}
	properties, err := far.Properties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := inquiry.Device{Addr: a.far.Addr(), Name: "Far \u00e9 <&>", Class: properties.Class, RSSI: -50}.String()
	if !slices.Equal(lines, slices.Repeat([]string{want}, rounds())) {
		t.Errorf("found %q, want %q", lines, want)
	}
	t.Logf("%d of %d: %s", len(lines), rounds(), want)
}

// A device without an extended inquiry response, such as an HC-05, is asked for
// its name after the inquiry of 10.24 s.
func discoverOldDevice(t *testing.T, a *air) {
	// On a busy machine, the page for the name takes longer than those of other
	// tests may.
	a.near.SetPageTimeout(5 * time.Second)
	defer a.near.SetPageTimeout(pageTimeout)
	old := a.NewDevice(rfcommtest.ControllerConfig{Name: "HC-05", Class: 0x1f00, Version: rfcommtest.Version20})
	var names []string
	for device, err := range adapterOf(t, connect(t), a.near).Discover(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if device.Addr == old.Addr() {
			names = append(names, device.Name)
		}
	}
	if !slices.Equal(names, []string{"", "HC-05"}) {
		t.Errorf("received the names %q", names)
	}
}

// Each dial in the body of the loop interrupts the discovery, which then goes on
// and finds devices that appear later.
func discoverWhileDialing(t *testing.T, a *air) {
	client := connect(t)
	discoverable(t, client, a.far)
	l := conntest.ListenAt(t, rfcomm.Addr{Device: a.far.Addr()})
	near := adapterOf(t, client, a.near)
	var discovering []bool
	dialer := bluez.Dialer{SDP: sdp.Dialer{
		RFCOMM: rfcomm.Dialer{
			LocalAddr: rfcomm.Addr{Device: a.near.Addr()},
			ControlContext: func(context.Context, string, string, syscall.RawConn) error {
				discovering = append(discovering, propertiesOf(t, near).Discovering)
				return nil
			},
		},
		FallbackChannel: conntest.AddrOf(l).Channel, // bluetoothd publishes no record of l
	}}
	const dials = 3
	var found []rfcomm.BDAddr
	for device, err := range near.Discover(t.Context(), &bluez.DiscoverOptions{Duration: -1}) {
		if err != nil {
			t.Fatal(err)
		}
		if device.Name == "" || slices.Contains(found, device.Addr) {
			continue
		}
		if found = append(found, device.Addr); len(found) > dials {
			break
		}
		c, err := dialer.Dial(t.Context(), a.far.Addr(), sdp.SerialPort)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conntest.Accept(t, l).Close()
		a.NewDevice(rfcommtest.ControllerConfig{Name: fmt.Sprint("device ", len(found))})
	}
	if len(found) != dials+1 || len(discovering) < dials || slices.Contains(discovering, true) {
		t.Errorf("found %v; discovering at each dial: %v", found, discovering)
	}
}

// Loops of several programs, and of one, discover at the same time. Each gets the
// devices that its own options permit.
func discoverTogether(t *testing.T, a *air) {
	client := connect(t)
	discoverable(t, client, a.far)
	near := adapterOf(t, client, a.near)
	distant := a.NewDevice(rfcommtest.ControllerConfig{Name: "Distant"})
	a.Link(a.near, distant.Controller).SetRSSI(-90)
	first := func(options bluez.DiscoverOptions) string {
		for device, err := range near.Discover(t.Context(), &options) {
			if err != nil {
				t.Fatal(err)
			}
			return device.Addr.String()
		}
		return "nothing"
	}
	for _, err := range near.Discover(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := first(bluez.DiscoverOptions{Prefix: "Distant"}); got != distant.Addr().String() {
				t.Errorf("found %s, want %s", got, distant.Addr())
			}
			if got := first(bluez.DiscoverOptions{MinRSSI: -60, Prefix: "Distant", Duration: time.Second}); got != "nothing" {
				t.Errorf("found %s, want nothing", got)
			}
		}
		break
	}
	if propertiesOf(t, near).Discovering {
		t.Error("bluetoothd still discovers")
	}
}

func discoverEnds(t *testing.T, a *air) {
	ctx, cancel := context.WithCancel(t.Context())
	client := connect(t)
	adapter := adapterOf(t, client, a.near)
	for _, tt := range []struct {
		name string
		end  func() error
		want error
	}{
		{"power", func() error { return adapter.SetPowered(ctx, false) }, bluez.ErrPowerOff},
		{"adapter", a.near.Unplug, bluez.ErrNoAdapter},
		{"context", func() error { cancel(); return nil }, context.Canceled},
		{"client", client.Close, net.ErrClosed},
		{"daemon", func() error { a.bluetoothd.Kill(); return nil }, bluez.ErrNoDaemon},
	} {
		switch tt.name {
		case "adapter":
			switchOn(t, adapter)
		case "context":
			if err := a.near.Plug(); err != nil {
				t.Fatal(err)
			}
			switchOn(t, adapter)
		case "client":
			ctx = t.Context()
		case "daemon":
			adapter = adapterOf(t, connect(t), a.near)
		}
		var last error
		for _, err := range adapter.Discover(ctx, &bluez.DiscoverOptions{Duration: -1}) {
			if last = err; err == nil {
				if err := tt.end(); err != nil {
					t.Error(err)
				}
			}
		}
		t.Logf("%s: %v", tt.name, last)
		if !errors.Is(last, tt.want) {
			t.Errorf("%s: the loop ended with the error %v, want %v", tt.name, last, tt.want)
		}
	}
}

// switchOn switches an adapter on as soon as bluetoothd has it.
func switchOn(t testing.TB, a *bluez.Adapter) {
	t.Helper()
	hosttest.Eventually(t, "the adapter is on", func() bool { return a.SetPowered(t.Context(), true) == nil })
}
