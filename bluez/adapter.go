package bluez

import (
	"context"
	"path"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

const (
	adapterInterface = "org.bluez.Adapter1"
	deviceInterface  = "org.bluez.Device1"
)

// An Adapter is a Bluetooth adapter of this machine, with the Client that
// returned it. Its methods find the adapter by its address, so that it remains
// valid if bluetoothd restarts or if the adapter is removed and comes back. In
// the meantime, they fail with an error that matches [ErrNoAdapter].
type Adapter struct {
	client  *Client
	address rfcomm.BDAddr
	path    dbus.ObjectPath // of the object when the Adapter was made
}

// Adapters returns the adapters in the order of their names. There may be none.
// The adapters that are switched off are among them.
func (c *Client) Adapters(ctx context.Context) ([]*Adapter, error) {
	tree, err := c.tree(ctx)
	if err != nil {
		return nil, err
	}
	var adapters []*Adapter
	for _, o := range tree.adapters() {
		adapters = append(adapters, c.adapter(o))
	}
	return adapters, nil
}

// Adapter returns the adapter with an address. The zero address stands for the
// first adapter that is powered on or, if none is, the first one.
func (c *Client) Adapter(ctx context.Context, address rfcomm.BDAddr) (*Adapter, error) {
	tree, err := c.tree(ctx)
	if err != nil {
		return nil, err
	}
	o, err := tree.findAdapter(address)
	if err != nil {
		return nil, err
	}
	return c.adapter(o), nil
}

func (c *Client) adapter(e entry) *Adapter {
	return &Adapter{client: c, address: e.address(), path: e.path}
}

// Address returns the adapter's address.
func (a *Adapter) Address() rfcomm.BDAddr { return a.address }

// Name returns the name that the adapter had when a was returned, such as hci0.
// An adapter that is removed may get another name when it comes back.
func (a *Adapter) Name() string { return path.Base(string(a.path)) }

// String returns the name and the address.
func (a *Adapter) String() string { return a.Name() + " " + a.address.String() }

// Properties returns the current properties of the adapter.
func (a *Adapter) Properties(ctx context.Context) (AdapterProperties, error) {
	o, err := a.object(ctx)
	if err != nil {
		return AdapterProperties{}, err
	}
	p := o.adapter()
	p.Blocked = p.Blocked || !p.Powered && rfkilled(o.path)
	return p, nil
}

// Devices returns the devices that bluetoothd knows on the adapter: those that
// are paired, blocked, or connected, and those that a discovery has found in the
// last 30 s (TemporaryTimeout in bluetoothd's main.conf). Bluetooth LE devices
// are among them.
func (a *Adapter) Devices(ctx context.Context) ([]*Device, error) {
	tree, err := a.client.tree(ctx)
	if err != nil {
		return nil, err
	}
	o, err := tree.findAdapter(a.address)
	if err != nil {
		return nil, err
	}
	var devices []*Device
	for _, d := range tree.devices() {
		if d.adapterPath() == o.path {
			devices = append(devices, a.device(d))
		}
	}
	return devices, nil
}

// Device returns a device that bluetoothd knows on the adapter, as Devices does.
// If it knows none with the address, the error matches [ErrGone].
func (a *Adapter) Device(ctx context.Context, address rfcomm.BDAddr) (*Device, error) {
	d := &Device{adapter: a, address: address}
	o, err := d.object(ctx)
	if err != nil {
		return nil, err
	}
	return a.device(o), nil
}

func (a *Adapter) device(e entry) *Device {
	return &Device{adapter: a, address: e.address(), path: e.path}
}

// object returns the adapter's object.
func (a *Adapter) object(ctx context.Context) (entry, error) {
	tree, err := a.client.tree(ctx)
	if err != nil {
		return entry{}, err
	}
	return tree.findAdapter(a.address)
}

// set sets a property of the adapter.
func (a *Adapter) set(ctx context.Context, name string, value any) error {
	o, err := a.object(ctx)
	if err != nil {
		return err
	}
	return a.client.set(ctx, o.path, adapterInterface, name, value)
}

// wrap returns err as an Error of an operation of the adapter.
func (a *Adapter) wrap(op string, err error) error {
	if _, ok := err.(*Error); ok || err == nil {
		return err
	}
	return &Error{Op: op, Object: a.String(), Err: neterr.Context(err)}
}
