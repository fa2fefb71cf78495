package bluez_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// connect returns a Client, which is closed at the end of the test.
func connect(t testing.TB) *bluez.Client {
	t.Helper()
	client, err := bluez.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// adapterOf returns a controller's adapter.
func adapterOf(t testing.TB, client *bluez.Client, c *rfcommtest.Controller) *bluez.Adapter {
	t.Helper()
	adapter, err := client.Adapter(t.Context(), c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return adapter
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
	programs["discover"] = func(ctx context.Context, arguments []string) error {
		client, err := bluez.Connect(ctx)
		if err != nil {
			return err
		}
		defer client.Close()
		address, err := rfcomm.ParseBDAddr(arguments[0])
		if err != nil {
			return err
		}
		adapter, err := client.Adapter(ctx, address)
		if err != nil {
			return err
		}
		for range 20 {
			device, err := firstWithName(ctx, adapter, nil)
			if err != nil {
				return err
			}
			fmt.Println(device)
		}
		return nil
	}
}

// Discoveries as user nobody find the other adapter with its name.
func TestDiscoverFindsName(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
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
		for range 20 {
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
		if !slices.Equal(lines, slices.Repeat([]string{want}, 20)) {
			t.Errorf("found %q, want %q", lines, want)
		}
		t.Log(want)
	})
}
