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
	call := c.send(ctx, bluezName, path, method, args...)
	if call.Err != nil {
		return nil, convert(call, path, op)
	}
	return call.Body, nil
}

// send sends a call and waits for the reply. The call is sent by a goroutine,
// because a Write blocks while the bus does not read.
func (c *Client) send(ctx context.Context, destination string, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	done := make(chan *dbus.Call, 1)
	go c.conn.Object(destination, path).GoWithContext(ctx, method, dbus.FlagNoAutoStart, done, args...)
	select {
	case call := <-done:
		return call
	case <-ctx.Done():
		return &dbus.Call{Err: ctx.Err()}
	case <-c.ended.Done():
		return &dbus.Call{Err: context.Cause(c.ended)}
	}
}

// get returns a property.
func (c *Client) get(ctx context.Context, path dbus.ObjectPath, iface, name string) (value dbus.Variant, err error) {
	op := "get " + name + " of"
	body, err := c.do(ctx, op, path, properties+".Get", iface, name)
	if err == nil && dbus.Store(body, &value) != nil {
		return value, badReply(path, op)
	}
	return value, err
}

// set sets a property.
func (c *Client) set(ctx context.Context, path dbus.ObjectPath, iface, name string, value any) error {
	_, err := c.do(ctx, "set "+name+" of", path, properties+".Set", iface, name, dbus.MakeVariant(value))
	return err
}

// objects returns the objects of bluetoothd, with their interfaces and their
// properties: the reply of GetManagedObjects. Watchers that exist when objects
// is called have received all events that precede the reply, so they apply
// later events to it. A watcher must not call objects.
func (c *Client) objects(ctx context.Context) (map[dbus.ObjectPath]map[string]map[string]dbus.Variant, error) {
	call := c.send(ctx, bluezName, "/", objectManager+".GetManagedObjects")
	if call.Err != nil {
		return nil, convert(call, "/", "GetManagedObjects")
	}
	var all map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	if err := call.Store(&all); err != nil {
		return nil, badReply("/", "GetManagedObjects")
	}
	return all, c.events.await(ctx, call.ResponseSequence)
}
