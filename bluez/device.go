package bluez

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
)

// A Device is a remote device that bluetoothd knows on one of the adapters. Its
// methods find the device by its address. bluetoothd forgets a device that is
// neither paired nor blocked nor connected 30 s after a discovery has last found
// it. The methods then fail with an error that matches [ErrGone].
type Device struct {
	adapter *Adapter
	address rfcomm.BDAddr
	path    dbus.ObjectPath // of the object when the Device was made
}

// Device returns a device that bluetoothd knows on any adapter. It prefers an
// adapter on which the device is connected, then one on which it is paired. If
// bluetoothd does not know the device, the error matches [ErrGone].
func (c *Client) Device(ctx context.Context, address rfcomm.BDAddr) (*Device, error) {
	tree, err := c.tree(ctx)
	if err != nil {
		return nil, err
	}
	var best *Device
	bestRank := -1
	for _, o := range tree.devices() {
		if rank := o.rank(); o.address() == address && rank > bestRank {
			if d := c.deviceOf(tree, o); d != nil {
				best, bestRank = d, rank
			}
		}
	}
	if best == nil {
		return nil, unknownDevice(address)
	}
	return best, nil
}

// rank orders the objects of one device on several adapters.
func (e entry) rank() int {
	switch d := e.device(); {
	case d.Connected:
		return 2
	case d.Paired:
		return 1
	}
	return 0
}

// deviceAt returns the device with an object path, such as bluetoothd passes to
// agents and profiles.
func (c *Client) deviceAt(ctx context.Context, path dbus.ObjectPath) (*Device, error) {
	tree, err := c.tree(ctx)
	if err != nil {
		return nil, err
	}
	found, ok := tree[path][deviceInterface]
	if ok {
		if d := c.deviceOf(tree, entry{path, found}); d != nil {
			return d, nil
		}
	}
	return nil, &Error{Op: "find the device", Object: describe(path), Err: ErrGone}
}

// deviceOf returns the Device of a device's object, or nil if its adapter is
// gone.
func (c *Client) deviceOf(t tree, o entry) *Device {
	adapter, ok := t[o.adapterPath()][adapterInterface]
	if !ok {
		return nil
	}
	return c.adapter(entry{o.adapterPath(), adapter}).device(o)
}

// Address returns the device's address.
func (d *Device) Address() rfcomm.BDAddr { return d.address }

// Adapter returns the adapter on which bluetoothd knows the device.
func (d *Device) Adapter() *Adapter { return d.adapter }

// String returns the address.
func (d *Device) String() string { return d.address.String() }

// Properties returns the current properties of the device.
func (d *Device) Properties(ctx context.Context) (DeviceProperties, error) {
	o, err := d.object(ctx)
	if err != nil {
		return DeviceProperties{}, err
	}
	return o.device(), nil
}

// object returns the device's object.
func (d *Device) object(ctx context.Context) (entry, error) {
	tree, err := d.adapter.client.tree(ctx)
	if err != nil {
		return entry{}, err
	}
	return tree.findDevice(d.adapter.address, d.address)
}
