package bluez_test

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
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

// propertiesOf returns the properties of an adapter.
func propertiesOf(t testing.TB, a *bluez.Adapter) bluez.AdapterProperties {
	t.Helper()
	p, err := a.Properties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// openAdapter connects and returns an adapter by its address, for programs.
func openAdapter(ctx context.Context, address string) (*bluez.Client, *bluez.Adapter, error) {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := rfcomm.ParseBDAddr(address)
	if err != nil {
		return nil, nil, err
	}
	adapter, err := client.Adapter(ctx, parsed)
	return client, adapter, err
}

func init() {
	// limit makes an adapter discoverable and pairable for a time, until SIGTERM.
	programs["limit"] = func(ctx context.Context, arguments []string) error {
		ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
		defer stop()
		client, adapter, err := openAdapter(ctx, arguments[0])
		if err != nil {
			return err
		}
		defer client.Close()
		limit, err := time.ParseDuration(arguments[1])
		if err != nil {
			return err
		}
		if _, err := adapter.Discoverable(ctx, limit); err != nil {
			return err
		}
		if _, err := adapter.Pairable(ctx, limit); err != nil {
			return err
		}
		fmt.Println("limited")
		<-ctx.Done()
		return nil
	}
}

func TestAdapter(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		t.Run("limits", func(t *testing.T) { adapterLimits(t, a) })
		t.Run("settings", func(t *testing.T) { adapterSettings(t, a) })
		t.Run("returns", func(t *testing.T) { adapterReturns(t, a) })
	})
}

// modes are the properties of an adapter that a Temporary changes.
func modes(t testing.TB, a *bluez.Adapter) string {
	t.Helper()
	p := propertiesOf(t, a)
	return fmt.Sprintf("discoverable %v %v, pairable %v %v", p.Discoverable, p.DiscoverableTimeout, p.Pairable, p.PairableTimeout)
}

func wantModes(t testing.TB, a *bluez.Adapter, want string) {
	t.Helper()
	if got := modes(t, a); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func adapterLimits(t *testing.T, a *air) {
	client := connect(t)
	adapter := adapterOf(t, client, a.far)
	before := modes(t, adapter)
	if want := "discoverable false 3m0s, pairable false 0s"; before != want {
		t.Fatalf("%s at first, want %s", before, want)
	}
	limit := func(limit time.Duration) (d, p *bluez.Temporary) {
		d, err := adapter.Discoverable(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = adapter.Pairable(t.Context(), limit); err != nil {
			t.Fatal(err)
		}
		return d, p
	}
	t.Run("Close", func(t *testing.T) {
		d, p := limit(90 * time.Second)
		wantModes(t, adapter, "discoverable true 1m30s, pairable true 1m30s")
		if err := errors.Join(d.Close(), p.Close()); err != nil {
			t.Error(err)
		}
		wantModes(t, adapter, before)
	})
	t.Run("limit", func(t *testing.T) {
		d, p := limit(500 * time.Millisecond)
		<-d.Done()
		<-p.Done()
		wantModes(t, adapter, before)
	})
	t.Run("SIGTERM", func(t *testing.T) {
		program := startAsNobody(t, "limit", a.far.Addr().String(), "90s")
		program.wantLine("limited")
		wantModes(t, adapter, "discoverable true 1m30s, pairable true 1m30s")
		program.command.Process.Signal(syscall.SIGTERM)
		if complaints := program.end(); complaints != "" {
			t.Error(complaints)
		}
		wantModes(t, adapter, before)
	})
	t.Run("SIGKILL", func(t *testing.T) {
		program := startAsNobody(t, "limit", a.far.Addr().String(), "3s")
		program.wantLine("limited")
		program.command.Process.Kill()
		program.end()
		wantModes(t, adapter, "discoverable true 3s, pairable true 3s")
		hosttest.Eventually(t, "bluetoothd ends the modes", func() bool {
			return modes(t, adapter) == "discoverable false 3s, pairable false 3s"
		})
	})
}

func adapterSettings(t *testing.T, a *air) {
	client := connect(t)
	adapter := adapterOf(t, client, a.far)
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	do("SetAlias", adapter.SetAlias(t.Context(), "Kitchen"))
	do("SetDiscoverable", adapter.SetDiscoverable(t.Context(), true))
	do("SetPairable", adapter.SetPairable(t.Context(), true))
	hosttest.Eventually(t, "the adapter has the alias", func() bool { return propertiesOf(t, adapter).Alias == "Kitchen" })
	if p := propertiesOf(t, adapter); !p.Powered || p.Address != a.far.Addr() {
		t.Errorf("%+v", p)
	}
	wantModes(t, adapter, "discoverable true 0s, pairable true 0s")
	do("SetPowered", adapter.SetPowered(t.Context(), false))
	if p := propertiesOf(t, adapter); p.Powered {
		t.Errorf("still powered: %+v", p)
	}
	if _, err := adapter.Discoverable(t.Context(), time.Minute); !errors.Is(err, bluez.ErrPowerOff) {
		t.Errorf("Discoverable returned the error %v", err)
	}
	for _, err := range adapter.Discover(t.Context(), nil) {
		if !errors.Is(err, bluez.ErrPowerOff) {
			t.Errorf("Discover returned the error %v", err)
		}
	}
	do("SetPowered", adapter.SetPowered(t.Context(), true))
	do("SetDiscoverable", adapter.SetDiscoverable(t.Context(), false))
	do("SetPairable", adapter.SetPairable(t.Context(), false))
	do("SetAlias", adapter.SetAlias(t.Context(), ""))
	hosttest.Eventually(t, "the adapter has its own name", func() bool { return propertiesOf(t, adapter).Alias != "Kitchen" })
	wantModes(t, adapter, "discoverable false 0s, pairable false 0s")
}

// An Adapter is the same after its removal and return.
func adapterReturns(t *testing.T, a *air) {
	client := connect(t)
	adapter := adapterOf(t, client, a.far)
	if err := a.far.Unplug(); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the adapter is gone", func() bool {
		_, err := adapter.Properties(t.Context())
		if err != nil && !errors.Is(err, bluez.ErrNoAdapter) {
			t.Errorf("Properties returned the error %v", err)
		}
		return err != nil
	})
	if err := a.far.Plug(); err != nil {
		t.Fatal(err)
	}
	hosttest.Eventually(t, "the adapter is back", func() bool {
		_, err := adapter.Properties(t.Context())
		return err == nil
	})
	if err := adapter.SetAlias(t.Context(), "Back"); err != nil {
		t.Error(err)
	}
	a.bluetoothd.Restart()
	if p := propertiesOf(t, adapter); p.Alias != "Back" {
		t.Errorf("after a restart of bluetoothd: %+v", p)
	}
}
