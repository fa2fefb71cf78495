package bluez

import (
	"context"
	"sync"

	"github.com/godbus/dbus/v5"
)

// A message is a method call of bluetoothd. Its function answers it by reply or
// fail, once; the function itself must not block, but may pass the message to a
// goroutine that answers later.
type message struct {
	ctx    context.Context // ends when the object is removed or the Client is closed
	path   dbus.ObjectPath
	member string
	body   []any // of the types of the method's signature; h is a dbus.UnixFDIndex

	client      *Client
	raw         *dbus.Message
	descriptors []int
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

// takeDescriptor returns the descriptor of a value of the body, which the
// caller owns from now on, or -1. It must be called before the message's
// function returns: the descriptors that have not been taken are closed then.
func (m *message) takeDescriptor(value any) int {
	index, ok := value.(dbus.UnixFDIndex)
	if !ok || int64(index) >= int64(len(m.descriptors)) {
		return -1
	}
	fd := m.descriptors[index]
	m.descriptors[index] = -1
	return fd
}

// closeDescriptors closes the descriptors that have not been taken.
func (m *message) closeDescriptors() {
	for _, fd := range m.descriptors {
		if fd >= 0 {
			closeDescriptor(fd)
		}
	}
	m.descriptors = nil
}

// methods are the methods of an exported interface. A method has the signature
// of its arguments, such as "oha{sv}", and a function.
type methods map[string]method

type method struct {
	signature string
	call      func(*message)
}

// A handler answers the calls of exported objects. The calls of one object are
// handled in the order of the bus, on one goroutine.
type handler struct {
	client *Client

	mu      sync.Mutex
	objects map[dbus.ObjectPath]*object
	running sync.WaitGroup
	stopped bool
}

type object struct {
	iface   string
	methods methods
	ctx     context.Context
	end     context.CancelFunc
	calls   *mailbox[*message]
	done    chan struct{}
}

func newHandler(c *Client) *handler {
	return &handler{client: c, objects: make(map[dbus.ObjectPath]*object)}
}

// export exports an object with one interface. Only bluetoothd may call it. The
// caller chooses a path that is not exported yet. When remove has returned, no
// function of the object runs any more; a function must not call it.
func (c *Client) export(path dbus.ObjectPath, iface string, m methods) (remove func()) {
	h := c.calls
	o := &object{iface: iface, methods: m, calls: newMailbox[*message](), done: make(chan struct{})}
	o.ctx, o.end = context.WithCancel(c.ended)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		o.end()
		return func() {}
	}
	h.objects[path] = o
	h.running.Go(func() { o.run() })
	return func() {
		h.mu.Lock()
		if h.objects[path] == o {
			delete(h.objects, path)
		}
		h.mu.Unlock()
		o.end()
		<-o.done
	}
}

// run handles the calls of an object until it is removed.
func (o *object) run() {
	defer close(o.done)
	for {
		m, err := o.calls.next(o.ctx)
		if err != nil {
			break
		}
		o.methods[m.member].call(m)
		m.closeDescriptors()
	}
	for _, m := range o.calls.close() {
		m.closeDescriptors()
	}
}

// receive is called for each message that arrives, in order. It takes method
// calls, which the connection would otherwise handle concurrently.
func (c *Client) receive(raw *dbus.Message) {
	descriptors := c.socket.takeDescriptors()
	m := &message{client: c, raw: raw, descriptors: descriptors}
	if raw.Type != dbus.TypeMethodCall || c.conn == nil {
		m.closeDescriptors()
		return
	}
	if iface, _ := raw.Headers[dbus.FieldInterface].Value().(string); iface == "org.freedesktop.DBus.Peer" {
		m.closeDescriptors()
		return // the connection answers
	}
	if !c.calls.queue(m) {
		m.closeDescriptors()
	}
	raw.Type = 0 // the connection ignores unknown types
}

// queue passes a call to its object, or refuses it.
func (h *handler) queue(m *message) bool {
	header := m.raw.Headers
	m.path, _ = header[dbus.FieldPath].Value().(dbus.ObjectPath)
	m.member, _ = header[dbus.FieldMember].Value().(string)
	m.body = m.raw.Body
	iface, _ := header[dbus.FieldInterface].Value().(string)
	signature, _ := header[dbus.FieldSignature].Value().(dbus.Signature)
	sender, _ := header[dbus.FieldSender].Value().(string)

	h.mu.Lock()
	o := h.objects[m.path]
	h.mu.Unlock()
	switch {
	case !h.client.events.isOwner(sender):
		m.refuse("org.freedesktop.DBus.Error.AccessDenied", "only bluetoothd may call this object")
	case o == nil:
		m.refuse("org.freedesktop.DBus.Error.UnknownObject", "no such object")
	case iface != "" && iface != o.iface:
		m.refuse("org.freedesktop.DBus.Error.UnknownInterface", "no such interface")
	case o.methods[m.member].call == nil:
		m.refuse("org.freedesktop.DBus.Error.UnknownMethod", "no such method")
	case o.methods[m.member].signature != signature.String():
		m.refuse("org.freedesktop.DBus.Error.InvalidArgs", "the arguments must have the signature "+o.methods[m.member].signature)
	default:
		m.ctx = o.ctx
		return o.calls.put(m)
	}
	return false
}

// refuse answers with an error from the goroutine that reads, which a Write
// must not block.
func (m *message) refuse(name, text string) {
	go m.fail(name, text)
}

// stop ends all objects, and returns when no function runs any more.
func (h *handler) stop() {
	h.mu.Lock()
	h.stopped = true
	for path, o := range h.objects {
		o.end()
		delete(h.objects, path)
	}
	h.mu.Unlock()
	h.running.Wait()
}
