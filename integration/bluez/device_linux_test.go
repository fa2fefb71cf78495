package bluez_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// discoverable makes a controller's adapter discoverable.
func discoverable(t testing.TB, client *bluez.Client, c *rfcommtest.Controller) {
	t.Helper()
	if err := adapterOf(t, client, c).SetDiscoverable(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

// discovered lets near's adapter discover a device, and returns its handle.
func discovered(t testing.TB, client *bluez.Client, near *rfcommtest.Controller, address rfcomm.BDAddr) *bluez.Device {
	t.Helper()
	adapter := adapterOf(t, client, near)
	for found, err := range adapter.Discover(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if found.Addr == address {
			break
		}
	}
	device, err := adapter.Device(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return device
}

// dialFrom connects to a listener from near's adapter.
func dialFrom(ctx context.Context, near *rfcommtest.Controller, l *rfcomm.Listener) (*rfcomm.Conn, error) {
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: near.Addr()}}
	return d.DialRFCOMM(ctx, conntest.AddrOf(l))
}

func TestDevice(t *testing.T) {
	forEachBlueZ(t, func(t *testing.T, a *air) {
		t.Run("settings", func(t *testing.T) { deviceSettings(t, a) })
		t.Run("changes", func(t *testing.T) { deviceChanges(t, a) })
	})
}

func deviceSettings(t *testing.T, a *air) {
	client := connect(t)
	discoverable(t, client, a.far)
	device := discovered(t, client, a.near, a.far.Addr())
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	properties := func() bluez.DeviceProperties {
		t.Helper()
		p, err := device.Properties(t.Context())
		do("Properties", err)
		return p
	}
	do("SetTrusted", device.SetTrusted(t.Context(), true))
	do("SetAlias", device.SetAlias(t.Context(), "Mine"))
	p := properties()
	if !p.Trusted || p.Alias != "Mine" || p.Paired || p.Connected || p.Address != a.far.Addr() || p.RSSI != inquiry.RSSIUnknown {
		t.Errorf("%+v", p)
	}
	do("Disconnect", device.Disconnect(t.Context())) // no link: nothing to do

	l := conntest.ListenAt(t, rfcomm.Addr{Device: a.far.Addr()})
	do("SetBlocked", device.SetBlocked(t.Context(), true))
	if !properties().Blocked {
		t.Error("not blocked")
	}
	if c, err := dialFrom(t.Context(), a.far, conntest.ListenAt(t, rfcomm.Addr{Device: a.near.Addr()})); err == nil {
		c.Close()
		t.Error("a blocked device has connected")
	}
	do("SetBlocked", device.SetBlocked(t.Context(), false))

	conn, err := dialFrom(t.Context(), a.near, l)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	hosttest.Eventually(t, "the device is connected", func() bool { return properties().Connected })
	do("Disconnect", device.Disconnect(t.Context()))
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("Read returned %d bytes from a device that was disconnected", n)
	}
	if properties().Connected {
		t.Error("still connected")
	}

	do("Remove", device.Remove(t.Context()))
	_, err = device.Properties(t.Context())
	if !errors.Is(err, bluez.ErrGone) {
		t.Errorf("Properties of a removed device returned the error %v", err)
	}
	if _, err := client.Device(t.Context(), a.far.Addr()); !errors.Is(err, bluez.ErrGone) {
		t.Errorf("Device returned the error %v", err)
	}
}

// The changes of a device from its discovery to its end.
func deviceChanges(t *testing.T, a *air) {
	client := connect(t)
	discoverable(t, client, a.far)
	device := discovered(t, client, a.near, a.far.Addr())
	l := conntest.ListenAt(t, rfcomm.Addr{Device: a.far.Addr()})
	var states []string
	var end error
	for p, err := range device.Changes(t.Context()) {
		if err != nil {
			end = err
			break
		}
		state := fmt.Sprintf("trusted %v connected %v", p.Trusted, p.Connected)
		if slices.Contains(states, state) {
			continue // another property has changed
		}
		states = append(states, state)
		switch len(states) {
		case 1:
			err = device.SetTrusted(t.Context(), true)
		case 2:
			var c *rfcomm.Conn
			if c, err = dialFrom(t.Context(), a.near, l); err == nil {
				defer c.Close()
			}
		case 3:
			err = device.Remove(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"trusted false connected false", "trusted true connected false", "trusted true connected true"}
	if !slices.Equal(states, want) || !errors.Is(end, bluez.ErrGone) {
		t.Errorf("%q and the error %v, want %q and ErrGone", states, end, want)
	}
}

// bluetoothd forgets a device that is not paired, though it is trusted.
func TestDeviceIsForgotten(t *testing.T) {
	a := newAir(t, rfcommtest.Config{}, daemons.Options{Config: "[General]\nTemporaryTimeout = 1\n"})
	client := connect(t)
	discoverable(t, client, a.far)
	device := discovered(t, client, a.near, a.far.Addr())
	if err := device.SetTrusted(t.Context(), true); err != nil && !errors.Is(err, bluez.ErrGone) {
		t.Error(err)
	}
	var last error
	for _, err := range device.Changes(t.Context()) {
		last = err
	}
	if !errors.Is(last, bluez.ErrGone) {
		t.Errorf("Changes ended with the error %v", last)
	}
	err := device.SetBlocked(t.Context(), true)
	if !errors.Is(err, bluez.ErrGone) {
		t.Errorf("SetBlocked returned the error %v", err)
	}
	t.Log(err)
}
