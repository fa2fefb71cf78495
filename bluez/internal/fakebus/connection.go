package fakebus

import (
	"context"
	"errors"
	"slices"

	"github.com/godbus/dbus/v5"
)

// A DialFunc connects to the service of a profile on a device and returns a
// descriptor, which bluetoothd then owns. An error is sent to the caller of
// ConnectProfile as it is.
type DialFunc func(ctx context.Context, p *Profile) (fd int, err *dbus.Error)

// OnConnectProfile sets how ConnectProfile connects to the device. Without it, a
// connection is refused.
func (d *Device) OnConnectProfile(dial DialFunc) {
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	d.dial = dial
}

// A connection is a connection of a profile with the duplicate of its descriptor
// that bluetoothd keeps (struct ext_io in src/profile.c).
type connection struct {
	profile *Profile
	watch   *hangup
}

// Connect passes an incoming connection to the client, as bluetoothd does, and
// returns the client's answer. It takes over the descriptor, keeps a duplicate and
// watches it: until the connection has ended at the other side or by shutdown, the
// device is connected to the profile. If the client answers with an error, bluetoothd
// closes its duplicate.
func (d *Device) Connect(ctx context.Context, p *Profile, fd int, values map[string]dbus.Variant) error {
	watch, err := watchHangup(fd)
	if err != nil {
		closeFile(fd)
		return err
	}
	c := &connection{p, watch}
	d.z.bus.mu.Lock()
	d.connections = append(d.connections, c)
	d.change(deviceInterface, map[string]any{"Connected": true})
	end := context.AfterFunc(d.z.ctx, watch.close)
	d.z.bus.mu.Unlock()
	d.z.bus.working.Go(func() {
		watch.wait()
		end()
		d.drop(func(other *connection) bool { return other == c })
	})
	if err = p.NewConnection(ctx, d.path, fd, values); err != nil {
		d.drop(func(other *connection) bool { return other == c })
	}
	return err
}

// drop closes and forgets bluetoothd's duplicates of some connections.
func (d *Device) drop(of func(*connection) bool) {
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	d.dropLocked(of)
}

func (d *Device) dropLocked(of func(*connection) bool) {
	d.connections = slices.DeleteFunc(d.connections, func(c *connection) bool {
		if of(c) {
			c.watch.close()
		}
		return of(c)
	})
}

// connected returns the profiles that have a connection to the device.
func (d *Device) connected() []*Profile {
	var profiles []*Profile
	for _, c := range d.connections {
		profiles = append(profiles, c.profile)
	}
	return profiles
}

// closeConnections closes bluetoothd's duplicates, which does not end connections
// whose client keeps its descriptor. The caller holds the lock.
func (d *Device) closeConnections() { d.dropLocked(func(*connection) bool { return true }) }

// connectProfile is connect_profiles in src/device.c with ext_connect_dev in
// src/profile.c. A profile that is connected already is a success without a
// NewConnection.
func (d *Device) connectProfile(c *Call, uuid string) {
	p := d.z.clientProfile(uuid)
	switch {
	case d.connecting:
		c.fail("org.bluez.Error.InProgress", "br-connection-busy")
	case !d.adapter.powered():
		c.fail("org.bluez.Error.NotReady", "br-connection-adapter-not-powered")
	case p == nil:
		c.fail("org.bluez.Error.NotAvailable", "br-connection-profile-unavailable")
	case slices.Contains(d.connected(), p):
		c.reply()
	default:
		d.connecting = true
		dial := d.dial
		if dial == nil {
			dial = func(context.Context, *Profile) (int, *dbus.Error) {
				return -1, newError("org.bluez.Error.Failed", "br-connection-refused")
			}
		}
		ctx := d.z.ctx
		d.z.bus.working.Go(func() { d.dialProfile(ctx, c, p, dial) })
	}
}

// dialProfile dials, passes the connection on, and answers the call afterwards.
func (d *Device) dialProfile(ctx context.Context, c *Call, p *Profile, dial DialFunc) {
	fd, failure := dial(ctx, p)
	if failure == nil && d.Connect(ctx, p, fd, nil) != nil {
		failure = newError("org.bluez.Error.Failed", "br-connection-refused") // new_conn_reply
	}
	d.z.bus.mu.Lock()
	defer d.z.bus.mu.Unlock()
	d.connecting = false
	if failure != nil {
		c.answer(errorReply(c.serial, failure))
		return
	}
	c.reply()
}

// disconnectProfile is disconnect_profile in src/device.c.
func (d *Device) disconnectProfile(c *Call, uuid string) {
	p := d.z.clientProfile(uuid)
	switch {
	case p == nil:
		c.fail("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
	case !slices.Contains(d.connected(), p):
		c.reply()
	default:
		ctx := d.z.ctx
		d.z.bus.working.Go(func() {
			err := p.RequestDisconnection(ctx, d.path)
			d.z.bus.mu.Lock()
			defer d.z.bus.mu.Unlock()
			d.dropLocked(func(c *connection) bool { return c.profile == p })
			if e := (dbus.Error{}); errors.As(err, &e) {
				c.fail("org.bluez.Error.Failed", "br-connection-refused")
				return
			}
			c.reply()
		})
	}
}
