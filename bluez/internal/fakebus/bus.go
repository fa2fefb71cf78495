package fakebus

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

// A Bus is a D-Bus daemon. Its methods are safe for concurrent use.
type Bus struct {
	listener *net.UnixListener
	id       string

	mu      sync.Mutex
	closed  bool
	last    int              // number of the newest unique name
	clients map[*peer]bool   // with a connection, also before Hello
	peers   map[string]*peer // by unique name
	owners  map[string]*peer // of well-known names
	pending []pending        // calls without a reply
	refuse  func(*Message) *dbus.Error
	serial  uint32 // of the newest message of the bus itself

	ctx     context.Context // ends with Close
	end     context.CancelFunc
	working sync.WaitGroup
}

// pending is a call that the bus has delivered and that is not answered.
type pending struct {
	caller, callee *peer
	serial         uint32
}

// New starts a bus and makes it the system bus of the test: it sets
// DBUS_SYSTEM_BUS_ADDRESS. The bus stops at the end of the test.
func New(t testing.TB) *Bus {
	t.Helper()
	b := Start(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", b.Address())
	return b
}

// Start starts a bus that stops at the end of the test.
func Start(t testing.TB) *Bus {
	t.Helper()
	directory, err := os.MkdirTemp("", "fakebus") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(directory, "bus"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	b := &Bus{listener: l, id: strings.Repeat("fa", 16), clients: make(map[*peer]bool), peers: make(map[string]*peer), owners: make(map[string]*peer)}
	b.ctx, b.end = context.WithCancel(context.Background())
	t.Cleanup(b.Close)
	b.working.Go(b.accept)
	return b
}

// Address returns the address of the bus in the form of DBUS_SYSTEM_BUS_ADDRESS.
func (b *Bus) Address() string { return "unix:path=" + b.listener.Addr().String() }

// Close stops the bus: it disconnects all clients and removes the socket.
func (b *Bus) Close() {
	b.listener.Close()
	b.mu.Lock()
	b.end()
	b.closed = true
	for p := range b.clients {
		p.stop()
	}
	for _, p := range b.peers {
		p.stop()
	}
	b.mu.Unlock()
	b.working.Wait()
}

// Clients returns the unique names of the connected clients, bluetoothd not among
// them, in the order in which they connected.
func (b *Bus) Clients() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	clients := slices.SortedFunc(maps.Keys(b.clients), func(p, q *peer) int { return p.number - q.number })
	var names []string
	for _, p := range clients {
		if p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// Disconnect closes the connection of a client, as a bus that stops does.
func (b *Bus) Disconnect(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.peers[name]; p != nil {
		b.disconnect(p)
	}
}

// Refuse makes the bus answer calls with the errors that refuse returns, as the
// policy of a bus does. A nil error lets a call pass. Refuse runs under the lock of
// the bus and must not call its methods.
func (b *Bus) Refuse(refuse func(*Message) *dbus.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = refuse
}

// AccessDenied returns the error of a bus whose policy denies a call, with the text
// of dbus-daemon (bus_context_check_security_policy in bus/bus.c).
func AccessDenied(m *Message) *dbus.Error {
	return newError("org.freedesktop.DBus.Error.AccessDenied", fmt.Sprintf(
		`Rejected send message, 2 matched rules; type="method_call", sender="%s" (uid=65534 pid=42 comm="test") interface="%s" member="%s" error name="(unset)" requested_reply="0" destination="%s" (uid=0 pid=41 comm="/usr/libexec/bluetooth/bluetoothd ")`,
		m.Sender(), m.Interface(), m.Member(), m.Destination()))
}

func (b *Bus) accept() {
	for {
		c, err := b.listener.AcceptUnix()
		if err != nil {
			return
		}
		b.working.Go(func() { b.serve(c) })
	}
}

// join adds a peer with a new unique name, which it announces. The caller holds the
// lock.
func (b *Bus) join(p *peer) {
	b.last++
	p.number = b.last
	p.name = fmt.Sprintf(":1.%d", b.last)
	b.peers[p.name] = p
	b.ownerChanged(p.name, "", p.name)
}

// disconnect removes a peer, its names and its calls, in the order of
// bus_connection_disconnected (bus/connection.c): the names first, then errors for
// the callers of pending calls. The caller holds the lock.
func (b *Bus) disconnect(p *peer) {
	p.stop()
	if p.name == "" || b.peers[p.name] != p {
		return
	}
	p.rules = nil
	for name, owner := range b.owners {
		if owner == p {
			delete(b.owners, name)
			b.ownerChanged(name, p.name, "")
		}
	}
	delete(b.peers, p.name)
	b.ownerChanged(p.name, p.name, "")
	waiting := b.pending
	b.pending = nil
	for _, c := range waiting {
		switch {
		case c.callee == p && c.caller != p:
			b.toPeer(c.caller, errorReply(c.serial, newError("org.freedesktop.DBus.Error.NoReply", "Message recipient disconnected from message bus without replying")))
		case c.caller != p:
			b.pending = append(b.pending, c)
		}
	}
}

// route delivers a message of a peer. The caller holds the lock.
func (b *Bus) route(from *peer, m *Message) {
	m.Headers[dbus.FieldSender] = dbus.MakeVariant(from.name)
	switch destination := m.Destination(); {
	case m.Type == dbus.TypeSignal && destination == "":
		b.broadcast(m)
	case destination == busName:
		b.driver(from, m)
	case m.Type == dbus.TypeMethodCall:
		b.routeCall(from, b.peer(destination), m)
	case m.Type == dbus.TypeSignal:
		b.unicast(b.peers[destination], m)
	default:
		b.routeReply(from, b.peers[destination], m)
	}
}

func (b *Bus) routeCall(from, to *peer, m *Message) {
	fail := func(e *dbus.Error) {
		m.closeFiles()
		b.reply(from, m, errorReply(m.serial, e))
	}
	if b.refuse != nil {
		if e := b.refuse(m); e != nil {
			fail(e)
			return
		}
	}
	if to == nil {
		fail(newError("org.freedesktop.DBus.Error.ServiceUnknown", fmt.Sprintf("The name %s was not provided by any .service files", m.Destination())))
		return
	}
	if m.wantsReply() {
		b.pending = append(b.pending, pending{from, to, m.serial})
	}
	b.unicast(to, m)
}

// routeReply delivers a reply to a pending call. A bus drops other replies.
func (b *Bus) routeReply(from, to *peer, m *Message) {
	serial, _ := m.Headers[dbus.FieldReplySerial].Value().(uint32)
	i := slices.Index(b.pending, pending{to, from, serial})
	if i < 0 {
		m.closeFiles()
		return
	}
	b.pending = slices.Delete(b.pending, i, i+1)
	b.unicast(to, m)
}

func (b *Bus) unicast(to *peer, m *Message) {
	if to == nil {
		m.closeFiles()
		return
	}
	to.put(m)
}

// broadcast delivers a signal to all peers with a rule that matches. It drops signals
// with descriptors, which bluetoothd does not send.
func (b *Bus) broadcast(m *Message) {
	if len(m.files) > 0 {
		m.closeFiles()
		return
	}
	for _, p := range b.peers {
		if slices.ContainsFunc(p.rules, func(r rule) bool { return r.matches(b, m) }) {
			p.put(m)
		}
	}
}

// peer returns the owner of a unique or well-known name, or nil.
func (b *Bus) peer(name string) *peer {
	if p := b.peers[name]; p != nil {
		return p
	}
	return b.owners[name]
}

// toPeer sends a message of the bus itself.
func (b *Bus) toPeer(to *peer, m *Message) {
	b.serial++
	m.serial = b.serial
	m.Headers[dbus.FieldSender] = dbus.MakeVariant(busName)
	m.Headers[dbus.FieldDestination] = dbus.MakeVariant(to.name)
	to.put(m)
}

// ownerChanged announces that a name has another owner.
func (b *Bus) ownerChanged(name, from, to string) {
	b.serial++
	m := signal(busPath, busName, "NameOwnerChanged", name, from, to)
	m.serial = b.serial
	m.Headers[dbus.FieldSender] = dbus.MakeVariant(busName)
	b.broadcast(m)
}
