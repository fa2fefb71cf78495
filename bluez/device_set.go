package bluez

import (
	"context"
	"errors"
)

// SetTrusted sets whether the device may connect to profiles of bluetoothd
// without a question to the agent. It has no effect on listeners of package
// rfcomm, for which bluetoothd asks nobody. bluetoothd forgets the value
// together with the device, so pair first.
func (d *Device) SetTrusted(ctx context.Context, trusted bool) error {
	return d.set(ctx, "Trusted", trusted)
}

// SetBlocked blocks the device, or ends that. A blocked device is disconnected,
// and the adapter refuses its connections and does not make any to it.
func (d *Device) SetBlocked(ctx context.Context, blocked bool) error {
	return d.set(ctx, "Blocked", blocked)
}

// maxDeviceAlias limits the alias of a device, which bluetoothd does not.
const maxDeviceAlias = 1 << 10

// SetAlias sets the name that programs show for the device, of at most 1024
// bytes of UTF-8. An empty alias restores the device's own name.
func (d *Device) SetAlias(ctx context.Context, alias string) error {
	if err := checkAlias(alias, maxDeviceAlias); err != nil {
		return err
	}
	return d.set(ctx, "Alias", alias)
}

// Remove removes the device with its pairing and its settings, after
// disconnecting it. The device itself keeps its key; connections from there fail
// until it removes its pairing as well. The adapter must be powered on.
func (d *Device) Remove(ctx context.Context) error {
	o, err := d.object(ctx)
	if err != nil {
		return err
	}
	_, err = d.client().do(ctx, "remove "+d.String()+" from", o.adapterPath(), adapterInterface+".RemoveDevice", o.path)
	return err
}

// Disconnect ends the link to the device with all of its connections, those of
// other programs and of package rfcomm included. It returns when the link has
// ended, which takes about 2 s. For a device without a link it does nothing.
func (d *Device) Disconnect(ctx context.Context) error {
	o, err := d.object(ctx)
	if err != nil || !o.device().Connected {
		return err
	}
	_, err = d.client().do(ctx, "disconnect", o.path, deviceInterface+".Disconnect")
	if errors.Is(err, ErrNotConnected) {
		return nil // it has ended in between
	}
	return err
}

// set sets a property of the device.
func (d *Device) set(ctx context.Context, name string, value any) error {
	o, err := d.object(ctx)
	if err != nil {
		return err
	}
	return d.client().set(ctx, o.path, deviceInterface, name, value)
}

func (d *Device) client() *Client { return d.adapter.client }
