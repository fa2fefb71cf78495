package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

// listenPublished listens on every adapter, with a record that bluetoothd
// publishes.
func listenPublished(ctx context.Context, s server) (net.Listener, error) {
	l, err := bluez.Listen(ctx, &bluez.ListenOptions{
		Service: s.service, Name: s.name, Security: s.security, Channel: s.address.Channel, Report: s.report,
	})
	if err != nil {
		return nil, err // not a nil *bluez.Listener
	}
	return l, nil
}

// knownToDaemon is the known of newTool.
func knownToDaemon(ctx context.Context) (known []knownDevice, err error) {
	err = withAdapters(ctx, rfcomm.BDAddr{}, func(a *bluez.Adapter) error {
		devices, err := a.Devices(ctx)
		if err != nil {
			return err
		}
		for _, d := range devices {
			p, err := d.Properties(ctx)
			if errors.Is(err, bluez.ErrGone) {
				continue
			}
			if err != nil {
				return err
			}
			if p.AddressType != "random" { // else it supports only Bluetooth LE
				known = append(known, knownDevice{d.Address(), nameIn(p), p.Bonded})
			}
		}
		return nil
	})
	return known, err
}

// nameIn returns the name of a device, or "" if it has none. Without one,
// bluetoothd calls it by its address.
func nameIn(p bluez.DeviceProperties) string {
	if _, err := rfcomm.ParseBDAddr(p.Alias); err == nil {
		return p.Name
	}
	return p.Alias
}

// pairByDaemon is the pair of newTool.
func pairByDaemon(ctx context.Context, p pairing) error {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	adapter, err := client.Adapter(ctx, p.adapter)
	if err != nil {
		return err
	}
	d, err := adapter.Device(ctx, p.device)
	if errors.Is(err, bluez.ErrGone) {
		d, err = discover(ctx, adapter, p.device)
	}
	if err != nil {
		return err
	}
	err = d.Pair(ctx, p.agent, p.capability)
	if errors.Is(err, bluez.ErrPaired) {
		return checkBond(ctx, d, err)
	}
	return err
}

// checkBond returns the error of a device that is paired already, or another one
// if its key is not stored. Devices that connect without a bond are paired for
// the time of their link.
func checkBond(ctx context.Context, d *bluez.Device, paired error) error {
	p, err := d.Properties(ctx)
	if err == nil && !p.Bonded {
		return tryAgainError{fmt.Errorf("%s is paired only until its link ends: close the connections, and pair again a few seconds later", d.Address())}
	}
	return paired
}

// unpairByDaemon is the unpair of newTool.
func unpairByDaemon(ctx context.Context, adapter, device rfcomm.BDAddr) error {
	return withDevices(ctx, adapter, device, func(d *bluez.Device) error { return d.Remove(ctx) })
}

// trustByDaemon is the trust of newTool.
func trustByDaemon(ctx context.Context, adapter, device rfcomm.BDAddr, trusted bool) error {
	return withDevices(ctx, adapter, device, func(d *bluez.Device) error { return d.SetTrusted(ctx, trusted) })
}

// bondedByDaemon is the bonded of newTool.
func bondedByDaemon(ctx context.Context, adapter, device rfcomm.BDAddr) (bonded bool, err error) {
	err = withAdapters(ctx, adapter, func(a *bluez.Adapter) error {
		d, err := a.Device(ctx, device)
		if err != nil {
			return err
		}
		p, err := d.Properties(ctx)
		bonded = p.Bonded
		return err
	})
	if errors.Is(err, bluez.ErrGone) {
		return false, nil
	}
	return bonded, err
}

// withAdapters calls f with all adapters of bluetoothd, or with the one that has
// the address, until f returns an error.
func withAdapters(ctx context.Context, address rfcomm.BDAddr, f func(*bluez.Adapter) error) error {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	adapters, err := client.Adapters(ctx)
	if !address.IsZero() {
		adapters = make([]*bluez.Adapter, 1)
		adapters[0], err = client.Adapter(ctx, address)
	}
	if err != nil {
		return err
	}
	for _, a := range adapters {
		if err := f(a); err != nil {
			return err
		}
	}
	return nil
}

// withDevices calls f with a device on each adapter that knows it, or on the one
// that has the address.
func withDevices(ctx context.Context, adapter, device rfcomm.BDAddr, f func(*bluez.Device) error) error {
	unknown := true
	err := withAdapters(ctx, adapter, func(a *bluez.Adapter) error {
		d, err := a.Device(ctx, device)
		if errors.Is(err, bluez.ErrGone) {
			return nil
		}
		if err != nil {
			return err
		}
		unknown = false
		return f(d)
	})
	if err == nil && unknown {
		err = notFoundError{fmt.Errorf("bluetoothd does not know the device %s: pair with it first", device)}
	}
	return err
}

// discoverTime is the time in which a device must answer a discovery.
const discoverTime = 20 * time.Second

// discover makes bluetoothd know a device that is in range.
func discover(ctx context.Context, a *bluez.Adapter, device rfcomm.BDAddr) (*bluez.Device, error) {
	discovering, cancel := context.WithTimeout(ctx, discoverTime)
	defer cancel()
	for found, err := range a.Discover(discovering, nil) {
		if err == nil && found.Addr == device {
			return a.Device(ctx, device)
		}
		if err != nil && discovering.Err() == nil {
			return nil, err
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, notFoundError{fmt.Errorf("%s did not answer for %s: make it discoverable, and move it into range", device, discoverTime)}
}
