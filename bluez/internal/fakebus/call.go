package fakebus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"
)

// A Call is a call that bluetoothd has received and not answered yet.
type Call struct {
	*Message
	z    *BlueZ
	from *peer // the bluetoothd that has received the call

	holdReply *script
	answered  bool
}

// Reply answers the call.
func (c *Call) Reply(body ...any) {
	c.z.bus.mu.Lock()
	defer c.z.bus.mu.Unlock()
	c.reply(body...)
}

// Fail answers the call with an error.
func (c *Call) Fail(name, text string) {
	c.z.bus.mu.Lock()
	defer c.z.bus.mu.Unlock()
	c.fail(name, text)
}

func (c *Call) reply(body ...any) { c.answer(methodReply(c.serial, body)) }

func (c *Call) fail(name, text string) { c.answer(errorReply(c.serial, newError(name, text))) }

func (c *Call) answer(m *Message) {
	if c.answered {
		m.closeFiles()
		return
	}
	c.answered = true
	m.Headers[dbus.FieldDestination] = dbus.MakeVariant(c.Sender())
	if s := c.holdReply; s != nil {
		s.hold(c, func() { c.deliver(m) })
		return
	}
	c.deliver(m)
}

// deliver sends the answer unless bluetoothd was restarted since the call.
func (c *Call) deliver(m *Message) {
	if c.z.peer != c.from || !c.wantsReply() {
		m.closeFiles()
		return
	}
	c.z.send(m)
}

// receive handles a call of a client. The caller holds the lock.
func (z *BlueZ) receive(m *Message) {
	m.closeFiles() // no method of bluetoothd takes a descriptor
	z.calls = append(z.calls, m)
	c := &Call{Message: m, z: z, from: z.peer}
	var before *script
	for _, s := range slices.Clone(z.scripts) {
		if s.method != m.Method() || (s.replies && c.holdReply != nil) || (!s.replies && before != nil) {
			continue
		}
		z.scripts = slices.DeleteFunc(z.scripts, func(t *script) bool { return t == s && !s.forever })
		if s.replies {
			c.holdReply = s
		} else {
			before = s
		}
	}
	if before == nil {
		z.handle(c)
		return
	}
	before.run(c)
}

// handle answers a call as bluetoothd does. A script may have held the call until
// its sender had left; then nothing of the sender remains.
func (z *BlueZ) handle(c *Call) {
	defer func() {
		if z.bus.peers[c.Sender()] == nil {
			z.clientLeft(c.Sender())
		}
	}()
	o := z.objects[c.Path()]
	iface := c.Interface()
	switch {
	case iface == "org.freedesktop.DBus.Peer" && c.Member() == "Ping":
		c.reply()
	case iface == objectManager && c.Path() == "/" && c.Member() == "GetManagedObjects":
		c.reply(z.managedObjects())
	case o == nil:
		c.doesNotExist("org.freedesktop.DBus.Error.UnknownObject")
	case iface == properties:
		z.property(c, o)
	case o.interfaces[iface] == nil:
		c.unknown()
	case iface == profileManager:
		z.profileManager(c)
	case iface == agentManager:
		z.agentManager(c)
	case iface == adapterInterface && o.adapter != nil:
		o.adapter.method(c)
	case iface == deviceInterface && o.device != nil:
		o.device.method(c)
	default:
		c.unknown()
	}
}

// unknown answers a call of a method that does not exist, or has other arguments
// (generic_message in gdbus/object.c leaves those to libdbus).
func (c *Call) unknown() { c.doesNotExist("org.freedesktop.DBus.Error.UnknownMethod") }

func (c *Call) doesNotExist(name string) {
	c.fail(name, fmt.Sprintf("Method %q with signature %q on interface %q doesn't exist\n", c.Member(), c.signature(), c.Interface()))
}

// tell calls a method of a client without a reply. The caller holds the lock.
func (z *BlueZ) tell(to string, path dbus.ObjectPath, iface, member string, body ...any) {
	m := methodCall(to, path, iface, member, body)
	m.Flags = dbus.FlagNoReplyExpected
	z.send(m)
}

// call calls a method of a client, as bluetoothd does for agents and profiles. It
// returns the reply, or the error that the client or the bus answered with.
func (z *BlueZ) call(ctx context.Context, to string, path dbus.ObjectPath, iface, member string, body ...any) ([]any, error) {
	reply := make(chan *Message, 1)
	z.bus.mu.Lock()
	if z.peer == nil {
		z.bus.mu.Unlock()
		return nil, errors.New("bluetoothd does not run")
	}
	m := methodCall(to, path, iface, member, body)
	z.send(m)
	z.waiting[m.serial] = reply
	z.bus.mu.Unlock()
	select {
	case m, ok := <-reply:
		if !ok {
			return nil, errors.New("bluetoothd has stopped")
		}
		m.closeFiles()
		if m.Type == dbus.TypeError {
			return nil, m.asError()
		}
		return m.Body, nil
	case <-ctx.Done():
		z.bus.mu.Lock()
		delete(z.waiting, m.serial)
		z.bus.mu.Unlock()
		return nil, ctx.Err()
	}
}
