package fakebus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// The bus itself, as an object that clients call.
const (
	busName = "org.freedesktop.DBus"
	busPath = dbus.ObjectPath("/org/freedesktop/DBus")
)

// hello gives a client its unique name.
func (b *Bus) hello(p *peer, m *Message) {
	b.join(p)
	b.reply(p, m, methodReply(m.serial, []any{p.name}))
	b.toPeer(p, signal(busPath, busName, "NameAcquired", p.name))
}

// reply answers a call in the name of the bus, if the caller wants a reply.
func (b *Bus) reply(to *peer, call, reply *Message) {
	if call.wantsReply() {
		b.toPeer(to, reply)
	}
}

// driver answers a call of a method of the bus.
func (b *Bus) driver(from *peer, m *Message) {
	m.closeFiles()
	if m.Type != dbus.TypeMethodCall {
		return
	}
	body, e := b.method(from, m)
	if e != nil {
		b.reply(from, m, errorReply(m.serial, e))
		return
	}
	b.reply(from, m, methodReply(m.serial, body))
}

func (b *Bus) method(from *peer, m *Message) ([]any, *dbus.Error) {
	var name string
	if len(m.Body) > 0 {
		name, _ = m.Body[0].(string)
	}
	switch m.Member() {
	case "Hello":
		return nil, newError("org.freedesktop.DBus.Error.Failed", "Already handled an Hello message")
	case "AddMatch":
		return nil, b.addMatch(from, name)
	case "RemoveMatch":
		return nil, removeMatch(from, name)
	case "RequestName":
		return b.requestName(from, name)
	case "ReleaseName":
		return b.releaseName(from, name)
	case "GetNameOwner":
		if p := b.peer(name); p != nil {
			return []any{p.name}, nil
		}
		return nil, newError("org.freedesktop.DBus.Error.NameHasNoOwner", fmt.Sprintf("Could not get owner of name '%s': no such name", name))
	case "NameHasOwner":
		return []any{b.peer(name) != nil}, nil
	case "ListNames":
		return []any{b.names()}, nil
	case "StartServiceByName":
		if b.peer(name) != nil {
			return []any{uint32(2)}, nil // DBUS_START_REPLY_ALREADY_RUNNING
		}
		return nil, newError("org.freedesktop.DBus.Error.ServiceUnknown", fmt.Sprintf("The name %s was not provided by any .service files", name))
	case "GetId":
		return []any{b.id}, nil
	case "Ping":
		return nil, nil
	}
	return nil, newError("org.freedesktop.DBus.Error.UnknownMethod", fmt.Sprintf("%s does not understand message %s", busName, m.Member()))
}

func (b *Bus) names() []string {
	names := []string{busName}
	for name := range b.owners {
		names = append(names, name)
	}
	for name := range b.peers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (b *Bus) requestName(from *peer, name string) ([]any, *dbus.Error) {
	switch owner := b.owners[name]; {
	case name == "" || strings.HasPrefix(name, ":") || !strings.Contains(name, "."):
		return nil, newError("org.freedesktop.DBus.Error.InvalidArgs", fmt.Sprintf("Requested bus name \"%s\" is not valid", name))
	case owner == from:
		return []any{uint32(dbus.RequestNameReplyAlreadyOwner)}, nil
	case owner != nil:
		return []any{uint32(dbus.RequestNameReplyExists)}, nil
	}
	b.owners[name] = from
	b.ownerChanged(name, "", from.name)
	b.toPeer(from, signal(busPath, busName, "NameAcquired", name))
	return []any{uint32(dbus.RequestNameReplyPrimaryOwner)}, nil
}

func (b *Bus) releaseName(from *peer, name string) ([]any, *dbus.Error) {
	switch owner := b.owners[name]; {
	case owner == nil:
		return []any{uint32(dbus.ReleaseNameReplyNonExistent)}, nil
	case owner != from:
		return []any{uint32(dbus.ReleaseNameReplyNotOwner)}, nil
	}
	delete(b.owners, name)
	b.toPeer(from, signal(busPath, busName, "NameLost", name))
	b.ownerChanged(name, from.name, "")
	return []any{uint32(dbus.ReleaseNameReplyReleased)}, nil
}
