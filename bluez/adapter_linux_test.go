package bluez

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const (
	nearAddress, farAddress = nearText, "00:AA:01:00:00:01"
	phoneAddress            = phoneText
)

func addressOf(t testing.TB, text string) rfcomm.BDAddr {
	t.Helper()
	address, err := rfcomm.ParseBDAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// fakeAdapter returns a bluetoothd with an adapter, and a Client's handle of it.
func fakeAdapter(t testing.TB) (*fakebus.BlueZ, *fakebus.Adapter, *Adapter) {
	t.Helper()
	hosttest.CheckLeaksAtEnd(t)
	z := fakebus.NewBlueZ(t)
	f := z.AddAdapter("hci0", nearAddress, nil)
	c, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return z, f, mustAdapter(t, c, nearAddress)
}

func mustAdapter(t testing.TB, c *Client, address string) *Adapter {
	t.Helper()
	a, err := c.Adapter(t.Context(), addressOf(t, address))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestClientAdapterDefault(t *testing.T) {
	z, first, a := fakeAdapter(t)
	c := a.client
	want := func(name string) {
		t.Helper()
		got, err := c.Adapter(t.Context(), rfcomm.BDAddr{})
		if err != nil || got.Name() != name {
			t.Errorf("Adapter returned %v, %v; want %s", got, err, name)
		}
	}
	z.AddAdapter("hci10", "00:AA:01:00:00:10", nil)
	z.AddAdapter("hci2", farAddress, nil)
	want("hci0")
	first.Power(false)
	want("hci2")
	all, err := c.Adapters(t.Context())
	if err != nil || len(all) != 3 || all[2].String() != "hci10 00:AA:01:00:00:10" {
		t.Errorf("Adapters returned %v, %v", all, err)
	}
	for _, a := range all {
		a, err := c.Adapter(t.Context(), a.Address())
		if err != nil {
			t.Error(err)
			continue
		}
		if err := a.SetPowered(t.Context(), false); err != nil {
			t.Error(err)
		}
	}
	want("hci0")
}

func TestClientAdapterMissing(t *testing.T) {
	_, f, a := fakeAdapter(t)
	_, err := a.client.Adapter(t.Context(), addressOf(t, farAddress))
	if text := "bluez: find the adapter " + farAddress + ": bluetoothd has " + nearAddress + " (hci0) only"; !errors.Is(err, ErrNoAdapter) || err.Error() != text {
		t.Errorf("Adapter returned the error %v, want %s", err, text)
	}
	f.Remove()
	for _, address := range []rfcomm.BDAddr{{}, addressOf(t, nearAddress)} {
		if _, err := a.client.Adapter(t.Context(), address); !errors.Is(err, ErrNoAdapter) {
			t.Errorf("Adapter returned the error %v", err)
		}
	}
	if all, err := a.client.Adapters(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Adapters returned %v, %v", all, err)
	}
}

// A handle follows its adapter to another name, and never changes another one.
func TestAdapterFollowsAddress(t *testing.T) {
	z, f, a := fakeAdapter(t)
	f.Remove()
	other := z.AddAdapter("hci0", farAddress, nil)
	if err := a.SetAlias(t.Context(), "Mine"); !errors.Is(err, ErrNoAdapter) {
		t.Errorf("SetAlias of a removed adapter returned the error %v", err)
	}
	back := z.AddAdapter("hci1", nearAddress, nil)
	if err := a.SetAlias(t.Context(), "Mine"); err != nil {
		t.Error(err)
	}
	if got := []any{other.Get(adapterInterface, "Alias"), back.Get(adapterInterface, "Alias")}; !slices.Equal(got, []any{"fake", "Mine"}) {
		t.Errorf("the aliases are %v", got)
	}
	if p, err := a.Properties(t.Context()); err != nil || p.Alias != "Mine" {
		t.Errorf("Properties returned %+v, %v", p, err)
	}
}

func TestAdapterSetsProperties(t *testing.T) {
	z, f, a := fakeAdapter(t)
	for _, tt := range []struct {
		set   func() error
		name  string
		value any
	}{
		{func() error { return a.SetAlias(t.Context(), "K\u00fcche") }, "Alias", "K\u00fcche"},
		{func() error { return a.SetAlias(t.Context(), "") }, "Alias", "fake"},
		{func() error { return a.SetDiscoverable(t.Context(), true) }, "Discoverable", true},
		{func() error { return nil }, "DiscoverableTimeout", uint32(0)},
		{func() error { return a.SetDiscoverable(t.Context(), false) }, "Discoverable", false},
		{func() error { return a.SetPairable(t.Context(), true) }, "Pairable", true},
		{func() error { return a.SetPairable(t.Context(), false) }, "Pairable", false},
		{func() error { return a.SetPowered(t.Context(), false) }, "Powered", false},
		{func() error { return a.SetPowered(t.Context(), true) }, "Powered", true},
	} {
		if err := tt.set(); err != nil {
			t.Error(err)
		}
		if got := f.Get(adapterInterface, tt.name); got != tt.value {
			t.Errorf("%s is %v, want %v", tt.name, got, tt.value)
		}
	}
	z.Fail(properties+".Set", "org.bluez.Error.Blocked", "Blocked through rfkill")
	if err := a.SetPowered(t.Context(), true); !errors.Is(err, ErrBlocked) {
		t.Errorf("SetPowered returned the error %v", err)
	}
}

func TestAdapterSetAliasChecks(t *testing.T) {
	z, _, a := fakeAdapter(t)
	for alias, want := range map[string]string{
		"a\xff": "UTF-8", "a\x00": "zero byte", strings.Repeat("a", 248): "248 bytes; the maximum is 247",
	} {
		if err := a.SetAlias(t.Context(), alias); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("SetAlias(%q) returned the error %v, want %q", alias, err, want)
		}
	}
	if calls := z.Calls(properties + ".Set"); len(calls) > 0 {
		t.Errorf("%d calls for bad aliases", len(calls))
	}
	if err := a.SetAlias(t.Context(), strings.Repeat("\u00e9", 123)); err != nil {
		t.Error(err)
	}
}

func TestAdapterDevices(t *testing.T) {
	z, f, a := fakeAdapter(t)
	other := z.AddAdapter("hci1", farAddress, nil)
	z.AddDevice(f, phoneAddress, map[string]any{"Name": "Phone", "Paired": true})
	z.AddDevice(f, "00:AA:01:00:00:43", nil)
	connected := z.AddDevice(other, phoneAddress, map[string]any{"Connected": true})
	devices, err := a.Devices(t.Context())
	if err != nil || len(devices) != 2 || devices[0].String() != phoneAddress || devices[0].Adapter() != a {
		t.Fatalf("Devices returned %v, %v", devices, err)
	}
	if p, err := devices[0].Properties(t.Context()); err != nil || p.Name != "Phone" || !p.Paired || p.Connected {
		t.Errorf("Properties returned %+v, %v", p, err)
	}
	on := func(want string) {
		t.Helper()
		d, err := a.client.Device(t.Context(), devices[0].Address())
		if err != nil || d.Adapter().Name() != want {
			t.Errorf("Device returned %v on %v, %v; want %s", d, d.Adapter(), err, want)
		}
	}
	on("hci1") // where it is connected
	connected.Set(deviceInterface, map[string]any{"Connected": false})
	on("hci0") // where it is paired
	other.Remove()
	on("hci0")
	if _, err := a.client.Device(t.Context(), addressOf(t, "00:AA:01:00:00:44")); !errors.Is(err, ErrGone) {
		t.Errorf("Device returned the error %v", err)
	}
}

// The time limits of modes, as bluetoothd has them.
func TestAdapterLimitRestores(t *testing.T) {
	_, f, a := fakeAdapter(t)
	want := func(name string, on bool, timeout int) {
		t.Helper()
		if got := f.Get(adapterInterface, name); got != on {
			t.Errorf("%s is %v", name, got)
		}
		if got := f.Get(adapterInterface, name+"Timeout"); got != uint32(timeout) {
			t.Errorf("%sTimeout is %v, want %v", name, got, timeout)
		}
	}
	d, err := a.Discoverable(t.Context(), 90*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Pairable(t.Context(), 100*time.Second); err != nil {
		t.Fatal(err)
	}
	want("Discoverable", true, 90)
	want("Pairable", true, 100)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	want("Discoverable", false, 180)
	if err := a.client.Close(); err != nil {
		t.Error(err)
	}
	want("Pairable", false, 0)
	if _, err := a.Pairable(t.Context(), time.Minute); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Pairable after Close returned the error %v", err)
	}
}

func TestAdapterLimitChecks(t *testing.T) {
	z, f, a := fakeAdapter(t)
	for _, limit := range []time.Duration{-1, 0, maxLimit + 1} {
		if _, err := a.Discoverable(t.Context(), limit); err == nil || !strings.Contains(err.Error(), limit.String()) {
			t.Errorf("Discoverable(%v) returned the error %v", limit, err)
		}
	}
	f.Power(false)
	if _, err := a.Pairable(t.Context(), time.Minute); !errors.Is(err, ErrPowerOff) {
		t.Errorf("Pairable of an adapter that is off returned the error %v", err)
	}
	if calls := z.Calls(properties + ".Set"); len(calls) > 0 {
		t.Errorf("%d properties were set", len(calls))
	}
	f.Power(true)
	hold := z.HoldReply(properties + ".Set")
	ctx, cancel := context.WithCancel(t.Context())
	failed := hosttest.InBackground(func() error { _, err := a.Discoverable(ctx, time.Minute); return err })
	hold.Await(t)
	cancel()
	hold.Release()
	if err := hosttest.Receive(t, failed); !errors.Is(err, context.Canceled) {
		t.Errorf("Discoverable returned the error %v", err)
	}
	a.client.Close()
	if f.Get(adapterInterface, "Discoverable") != false || f.Get(adapterInterface, "DiscoverableTimeout") != uint32(180) {
		t.Error("Discoverable was changed although its context had ended")
	}
}
