package bluez

import (
	"context"
	"sync"

	"github.com/godbus/dbus/v5"
)

// A message is a method call of bluetoothd. The function of the method answers
// it once, by reply or fail. The function must not block, but may pass the
// message to a goroutine that answers later.
type message struct {
	ctx    context.Context // ends when the object is removed or the connection ends
	path   dbus.ObjectPath
	member string
	body   []any // of the types of the signature; a descriptor is a dbus.UnixFDIndex

	client      *Client
	raw         *dbus.Message
	descriptors []int // -1: taken
}

func newMessage(c *Client, raw *dbus.Message, descriptors []int) *message {
	m := &message{client: c, raw: raw, descriptors: descriptors, body: raw.Body}
	m.path, _ = raw.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	m.member, _ = raw.Headers[dbus.FieldMember].Value().(string)
	return m
}

// reply answers a call with values.
func (m *message) reply(values ...any) {
	m.answer(&dbus.Message{Type: dbus.TypeMethodReply, Body: values})
}

// fail answers a call with an error, such as "org.bluez.Error.Rejected".
func (m *message) fail(name, text string) {
	answer := &dbus.Message{Type: dbus.TypeError, Body: []any{text}}
	answer.Headers = map[dbus.HeaderField]dbus.Variant{dbus.FieldErrorName: dbus.MakeVariant(name)}
	m.answer(answer)
}

func (m *message) answer(answer *dbus.Message) {
	if m.raw.Flags&dbus.FlagNoReplyExpected != 0 {
		return
	}
	if answer.Headers == nil {
		answer.Headers = make(map[dbus.HeaderField]dbus.Variant)
	}
	answer.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(m.raw.Serial())
	answer.Headers[dbus.FieldDestination] = m.raw.Headers[dbus.FieldSender]
	if len(answer.Body) > 0 {
		answer.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(answer.Body...))
	}
	m.client.conn.Send(answer, nil)
}

// takeDescriptor returns the descriptor for a value of the body, which the
// caller then owns, or -1 if the message has none. It must be called before the
// function of the method returns: the other descriptors are closed then.
func (m *message) takeDescriptor(value any) int {
	index, ok := value.(dbus.UnixFDIndex)
	if !ok || int64(index) >= int64(len(m.descriptors)) {
		return -1
	}
	fd := m.descriptors[index]
	m.descriptors[index] = -1
	return fd
}

// methods are the methods of an exported interface. A method has the signature
// of its arguments, such as "oha{sv}", and a function.
type methods map[string]method

type method struct {
	signature string
	call      func(*message)
}

// exports holds the objects that bluetoothd may call. The calls of one object
// are handled in the order of the bus, on one goroutine.
type exports struct {
	client *Client

	mu      sync.Mutex
	objects map[dbus.ObjectPath]*export
	running sync.WaitGroup
	stopped bool
}

// An export is an object with one interface.
type export struct {
	iface   string
	methods methods
	ctx     context.Context
	end     context.CancelFunc
	calls   *mailbox[*message]
	done    chan struct{}
}

func newExports(c *Client) *exports {
	return &exports{client: c, objects: make(map[dbus.ObjectPath]*export)}
}

// export exports an object with one interface, for bluetoothd alone, until
// remove or Close is called. The path must be free. When remove has returned,
// no function of the object runs any more; a function must not call remove.
func (c *Client) export(path dbus.ObjectPath, iface string, m methods) (remove func()) {
	o := &export{iface: iface, methods: m, calls: newMailbox[*message](), done: make(chan struct{})}
	o.ctx, o.end = context.WithCancel(c.ended)
	if !c.exports.add(path, o) {
		o.end()
		return func() {}
	}
	return func() {
		c.exports.remove(path, o)
		o.end()
		<-o.done
	}
}

func (x *exports) add(path dbus.ObjectPath, o *export) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stopped {
		return false
	}
	x.objects[path] = o
	x.running.Go(o.run)
	return true
}

func (x *exports) remove(path dbus.ObjectPath, o *export) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.objects[path] == o {
		delete(x.objects, path)
	}
}

// run handles the calls of an object until it is removed.
func (o *export) run() {
	defer close(o.done)
	for {
		m, err := o.calls.next(o.ctx)
		if err != nil {
			break
		}
		o.methods[m.member].call(m)
		closeAll(m.descriptors)
	}
	for _, m := range o.calls.close() {
		closeAll(m.descriptors)
	}
}

// receive sees each message that arrives, in order, on the goroutine that
// reads. It takes the method calls, each of which the connection would otherwise
// handle on a goroutine of its own, and closes the descriptors of others.
func (c *Client) receive(raw *dbus.Message) {
	descriptors := c.socket.takeDescriptors()
	iface, _ := raw.Headers[dbus.FieldInterface].Value().(string)
	if raw.Type != dbus.TypeMethodCall || iface == "org.freedesktop.DBus.Peer" {
		closeAll(descriptors)
		return
	}
	m := newMessage(c, raw, descriptors)
	if name, text := c.exports.pass(m, iface); name != "" {
		closeAll(descriptors)
		c.background(func() { m.fail(name, text) }) // since a Write blocks while the bus does not read
	}
	raw.Type = 0 // the connection ignores messages of unknown types
}

// pass passes a call to its object, or returns the name and the text of an
// error.
func (x *exports) pass(m *message, iface string) (name, text string) {
	x.mu.Lock()
	o := x.objects[m.path]
	x.mu.Unlock()
	sender, _ := m.raw.Headers[dbus.FieldSender].Value().(string)
	signature, _ := m.raw.Headers[dbus.FieldSignature].Value().(dbus.Signature)
	switch {
	case sender == "" || sender != x.client.events.currentOwner():
		return busError + "AccessDenied", "only bluetoothd may call this program"
	case o == nil:
		return busError + "UnknownObject", "no such object"
	case iface != "" && iface != o.iface:
		return busError + "UnknownInterface", "no such interface"
	case o.methods[m.member].call == nil:
		return busError + "UnknownMethod", "no such method"
	case o.methods[m.member].signature != signature.String():
		return busError + "InvalidArgs", "the signature of the arguments must be " + o.methods[m.member].signature
	}
	m.ctx = o.ctx
	if !o.calls.put(m) {
		return busError + "UnknownObject", "the object has been removed"
	}
	return "", ""
}

// stop removes all objects, and returns when no function runs any more.
func (x *exports) stop() {
	x.mu.Lock()
	x.stopped = true
	for _, o := range x.objects {
		o.end()
	}
	clear(x.objects)
	x.mu.Unlock()
	x.running.Wait()
}
