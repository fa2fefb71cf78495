package bluez

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
)

// fakePhone returns a bluetoothd with an adapter and a device, and a Client's
// handle of the device.
func fakePhone(t testing.TB) (*fakebus.BlueZ, *fakebus.Device, *Device) {
	t.Helper()
	z, f, a := fakeAdapter(t)
	phone := z.AddDevice(f, phoneAddress, map[string]any{"Name": "Phone", "Alias": "Phone"})
	d, err := a.Device(t.Context(), addressOf(t, phoneAddress))
	if err != nil {
		t.Fatal(err)
	}
	return z, phone, d
}

func TestDeviceSetsProperties(t *testing.T) {
	_, f, d := fakePhone(t)
	for _, tt := range []struct {
		set   func() error
		name  string
		value any
	}{
		{func() error { return d.SetTrusted(t.Context(), true) }, "Trusted", true},
		{func() error { return d.SetTrusted(t.Context(), false) }, "Trusted", false},
		{func() error { return d.SetBlocked(t.Context(), true) }, "Blocked", true},
		{func() error { return d.SetBlocked(t.Context(), false) }, "Blocked", false},
		{func() error { return d.SetAlias(t.Context(), "Mine") }, "Alias", "Mine"},
		{func() error { return d.SetAlias(t.Context(), "") }, "Alias", "Phone"},
	} {
		if err := tt.set(); err != nil {
			t.Error(err)
		}
		if got := f.Get(deviceInterface, tt.name); got != tt.value {
			t.Errorf("%s is %v, want %v", tt.name, got, tt.value)
		}
	}
	if err := d.SetAlias(t.Context(), "\xff"); err == nil {
		t.Error("SetAlias accepted invalid UTF-8")
	}
}

func TestDeviceDisconnect(t *testing.T) {
	z, f, d := fakePhone(t)
	if err := d.Disconnect(t.Context()); err != nil {
		t.Errorf("Disconnect without a link returned the error %v", err)
	}
	f.Set(deviceInterface, map[string]any{"Connected": true})
	if err := d.Disconnect(t.Context()); err != nil || f.Is("Connected") {
		t.Errorf("Disconnect returned the error %v", err)
	}
	f.Set(deviceInterface, map[string]any{"Connected": true})
	z.Fail("org.bluez.Device1.Disconnect", "org.bluez.Error.NotConnected", "Not Connected")
	if err := d.Disconnect(t.Context()); err != nil {
		t.Errorf("Disconnect of a link that has ended returned the error %v", err)
	}
}

// A device can vanish before each step of an operation.
func TestDeviceVanishes(t *testing.T) {
	for name, do := range map[string]func(context.Context, *Device) error{
		"Properties":  func(ctx context.Context, d *Device) error { _, err := d.Properties(ctx); return err },
		"SetTrusted":  func(ctx context.Context, d *Device) error { return d.SetTrusted(ctx, true) },
		"SetBlocked":  func(ctx context.Context, d *Device) error { return d.SetBlocked(ctx, true) },
		"Remove":      func(ctx context.Context, d *Device) error { return d.Remove(ctx) },
		"Disconnect":  func(ctx context.Context, d *Device) error { return d.Disconnect(ctx) },
		"Adapter":     func(ctx context.Context, d *Device) error { _, err := d.Adapter().Device(ctx, d.Address()); return err },
		"Changes":     func(ctx context.Context, d *Device) error { return lastError(d.Changes(ctx)) },
		"Client":      func(ctx context.Context, d *Device) error { _, err := d.client().Device(ctx, d.Address()); return err },
		"object path": func(ctx context.Context, d *Device) error { _, err := d.client().deviceAt(ctx, d.path); return err },
	} {
		z, f, d := fakePhone(t)
		f.Set(deviceInterface, map[string]any{"Connected": true})
		for _, method := range []string{properties + ".Set", "org.bluez.Adapter1.RemoveDevice", "org.bluez.Device1.Disconnect"} {
			z.Handle(method, func(c *fakebus.Call) {
				f.Remove()
				c.Pass()
			})
		}
		switch name {
		case "SetTrusted", "SetBlocked", "Remove", "Disconnect":
			if err := do(t.Context(), d); !errors.Is(err, ErrGone) {
				t.Errorf("%s of a device that vanishes returned the error %v", name, err)
			}
		default:
			f.Remove()
		}
		if err := do(t.Context(), d); !errors.Is(err, ErrGone) {
			t.Errorf("%s of a device that has vanished returned the error %v", name, err)
		}
	}
}

// lastError returns the error that ends a loop.
func lastError[T any](loop func(func(T, error) bool)) (last error) {
	for _, err := range loop {
		last = err
	}
	return last
}

func TestDeviceRemove(t *testing.T) {
	_, _, d := fakePhone(t)
	if err := d.Remove(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := d.Properties(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("Properties returned the error %v", err)
	}
}

func TestDeviceChangesFollows(t *testing.T) {
	_, f, d := fakePhone(t)
	set := func(name string, value any) { f.Set(deviceInterface, map[string]any{name: value}) }
	var aliases []string
	for p, err := range d.Changes(t.Context()) {
		if err != nil {
			if !errors.Is(err, ErrGone) {
				t.Errorf("Changes ended with the error %v", err)
			}
			break
		}
		aliases = append(aliases, p.Alias)
		switch p.Alias {
		case "Phone":
			set("Alias", "Phone")                              // not a change
			set("ManufacturerData", map[uint16]string{1: "x"}) // not one that Changes reports
			set("Alias", "second")
		case "second":
			set("Alias", "third")
			set("Alias", "fourth")
			f.Remove()
			if _, err := d.Properties(t.Context()); !errors.Is(err, ErrGone) { // awaits the signals
				t.Errorf("Properties returned the error %v", err)
			}
		}
	}
	if want := []string{"Phone", "second", "fourth"}; !slices.Equal(aliases, want) {
		t.Errorf("received %q, want %q", aliases, want)
	}
}

func TestDeviceChangesEnds(t *testing.T) {
	for _, want := range []error{ErrGone, ErrNoDaemon, net.ErrClosed, ErrNoBus, context.Canceled, nil} {
		z, f, d := fakePhone(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		for _, err := range d.Changes(ctx) {
			if err != nil {
				last = err
				continue
			}
			switch want {
			case ErrGone:
				f.Remove()
			case ErrNoDaemon:
				z.Stop()
			case net.ErrClosed:
				d.client().Close()
			case ErrNoBus:
				z.Bus().Close()
			case context.Canceled:
				cancel()
			}
			if want == nil {
				break
			}
		}
		if !errors.Is(last, want) {
			t.Errorf("Changes ended with the error %v, want %v", last, want)
		}
	}
}

// While the body of the loop runs, no signal is lost and none waits for it.
func TestDeviceChangesIsNotBlocked(t *testing.T) {
	_, f, d := fakePhone(t)
	var states []bool
	for p, err := range d.Changes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if states = append(states, p.Connected); len(states) > 1 {
			break
		}
		for i := range 1000 {
			f.Set(deviceInterface, map[string]any{"Connected": i%2 == 0, "RSSI": int16(-i % 100)})
		}
		f.Set(deviceInterface, map[string]any{"Connected": true})
		if _, err := d.Properties(t.Context()); err != nil { // awaits the signals
			t.Error(err)
		}
	}
	if want := []bool{false, true}; !slices.Equal(states, want) {
		t.Errorf("received %v, want %v", states, want)
	}
}
