package bluez

import (
	"context"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	busName   = "org.freedesktop.DBus"
	busPath   = dbus.ObjectPath("/org/freedesktop/DBus")
	bluezName = "org.bluez"
	bluezPath = dbus.ObjectPath("/org/bluez")

	objectManager = "org.freedesktop.DBus.ObjectManager"
	properties    = "org.freedesktop.DBus.Properties"
)

// call calls a method of an object of bluetoothd, such as
// "org.bluez.Device1.Pair", and returns the values of the reply. Errors name
// the method without its interface. call does not start bluetoothd. The end of
// the context ends the wait alone: bluetoothd goes on.
func (c *Client) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) ([]any, error) {
	return c.do(ctx, method[strings.LastIndex(method, ".")+1:], path, method, args...)
}

// do is call with another name of the operation for errors.
func (c *Client) do(ctx context.Context, op string, path dbus.ObjectPath, method string, args ...any) ([]any, error) {
	call := c.sendDaemon(ctx, path, method, args...)
	if call.Err != nil {
		return nil, convert(call, path, op)
	}
	return call.Body, nil
}

// sendDaemon sends a call to bluetoothd and waits for the reply. It addresses
// the process, not its name: a bluetoothd that has started in between does not
// know what the caller has done before.
func (c *Client) sendDaemon(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	owner, pinned := ctx.Value(ownerKey{}).(string)
	if !pinned {
		owner = c.events.currentOwner()
	}
	switch {
	case ctx.Err() != nil:
		return &dbus.Call{Err: ctx.Err()}
	case c.ended.Err() != nil:
		return &dbus.Call{Err: context.Cause(c.ended)}
	case owner == "":
		return &dbus.Call{Err: ErrNoDaemon}
	}
	return c.send(ctx, owner, path, method, args...)
}

type ownerKey struct{}

// withOwner makes calls with the context go to the bluetoothd with a unique name.
// They fail when it has ended.
func withOwner(ctx context.Context, owner string) context.Context {
	return context.WithValue(ctx, ownerKey{}, owner)
}

// send sends a call and waits for the reply.
func (c *Client) send(ctx context.Context, destination string, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	done := make(chan *dbus.Call, 1)
	c.background(func() { // since a Write blocks while the bus does not read
		c.conn.Object(destination, path).GoWithContext(ctx, method, dbus.FlagNoAutoStart, done, args...)
	})
	var call *dbus.Call
	select {
	case call = <-done:
	case <-ctx.Done():
		call = &dbus.Call{Err: ctx.Err()}
	case <-c.ended.Done():
		call = &dbus.Call{Err: context.Cause(c.ended)}
	}
	if call.Err != nil && c.ended.Err() != nil {
		call.Err = context.Cause(c.ended) // also if ctx is derived from c.ended
	}
	return call
}

// get returns a property.
func (c *Client) get(ctx context.Context, path dbus.ObjectPath, iface, name string) (value dbus.Variant, err error) {
	op := "get " + name + " of"
	body, err := c.do(ctx, op, path, properties+".Get", iface, name)
	if err != nil {
		return value, err
	}
	value, ok := argument[dbus.Variant](body, 0)
	if !ok {
		return value, badReply(path, op)
	}
	return value, nil
}

// set sets a property.
func (c *Client) set(ctx context.Context, path dbus.ObjectPath, iface, name string, value any) error {
	_, err := c.do(ctx, "set "+name+" of", path, properties+".Set", iface, name, dbus.MakeVariant(value))
	return err
}
