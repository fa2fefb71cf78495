package bluez

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// objectTree holds objects with the properties of their interfaces.
type objectTree = map[dbus.ObjectPath]map[string]map[string]dbus.Variant

// objects returns the objects of bluetoothd. The watchers have then received
// all events that precede the reply. A watcher must not call objects. See
// observe for a state that is kept up to date.
func (c *Client) objects(ctx context.Context) (objectTree, error) {
	all, _, err := c.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	return all, c.events.await(ctx)
}

// observe passes the objects of bluetoothd to f, as an event of the kind
// snapshot, and then the events that follow on it, until stop is called or f
// gets an event of the kind busGone. If observe returns an error, f has not been
// called. The rules of watch apply; the first call comes from the goroutine of
// the caller.
//
// When bluetoothd has ended, all objects are gone. Those of its next start are
// events of the kind interfacesAdded.
func (c *Client) observe(ctx context.Context, f func(event)) (stop func(), err error) {
	w := &watcher{f: f, holding: true}
	c.events.add(w)
	all, sequence, err := c.snapshot(ctx)
	if err != nil {
		c.events.remove(w)
		return nil, err
	}
	c.events.begin(w, event{kind: snapshot, sequence: sequence, objects: all})
	return func() { c.events.remove(w) }, nil
}

// snapshot returns the objects of bluetoothd, and the place of the reply in the
// sequence of messages.
func (c *Client) snapshot(ctx context.Context) (objectTree, dbus.Sequence, error) {
	const op = "list the objects of bluetoothd"
	call := c.sendDaemon(ctx, "/", objectManager+".GetManagedObjects")
	if call.Err != nil {
		return nil, 0, convert(call, "/", op)
	}
	all, ok := argument[objectTree](call.Body, 0)
	if !ok {
		return nil, 0, badReply("/", op)
	}
	return all, call.ResponseSequence, nil
}
