package fakebus

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// A Message is a message on the bus. It must not be changed once it was sent.
type Message struct {
	*dbus.Message
	serial uint32
	files  []int // descriptors of the body, which the bus owns
}

func (m *Message) header(f dbus.HeaderField) string {
	switch v := m.Headers[f].Value().(type) {
	case string:
		return v
	case dbus.ObjectPath:
		return string(v)
	}
	return ""
}

// Sender returns the unique name of the sender.
func (m *Message) Sender() string { return m.header(dbus.FieldSender) }

// Destination returns the name of the receiver, or "" for a broadcast.
func (m *Message) Destination() string { return m.header(dbus.FieldDestination) }

// Path returns the path of the object.
func (m *Message) Path() dbus.ObjectPath { return dbus.ObjectPath(m.header(dbus.FieldPath)) }

// Interface returns the interface, such as "org.bluez.Device1".
func (m *Message) Interface() string { return m.header(dbus.FieldInterface) }

// Member returns the name of the method or signal without the interface.
func (m *Message) Member() string { return m.header(dbus.FieldMember) }

// Method returns the interface and the name, such as "org.bluez.Device1.Pair".
func (m *Message) Method() string { return m.Interface() + "." + m.Member() }

func (m *Message) signature() string {
	s, _ := m.Headers[dbus.FieldSignature].Value().(dbus.Signature)
	return s.String()
}

func (m *Message) wantsReply() bool {
	return m.Type == dbus.TypeMethodCall && m.Flags&dbus.FlagNoReplyExpected == 0
}

// closeFiles closes the descriptors of a message that is not delivered, or was. A
// message with descriptors has one receiver.
func (m *Message) closeFiles() {
	if len(m.files) == 0 {
		return // several peers may share the message
	}
	for _, fd := range m.files {
		closeFile(fd)
	}
	m.files = nil
}

// encode returns the message as bytes and the descriptors that belong to it.
func (m *Message) encode() ([]byte, []int, error) {
	if len(m.files) > 0 {
		m.Headers[dbus.FieldUnixFDs] = dbus.MakeVariant(uint32(len(m.files)))
	}
	var b bytes.Buffer
	files, err := m.EncodeToWithFDs(&b, binary.LittleEndian)
	if err != nil {
		return nil, nil, err
	}
	binary.LittleEndian.PutUint32(b.Bytes()[8:], m.serial) // package dbus sets it on its own connections only
	return b.Bytes(), files, nil
}

func newMessage(kind dbus.Type, body []any) *Message {
	m := &Message{Message: &dbus.Message{Type: kind, Headers: make(map[dbus.HeaderField]dbus.Variant), Body: body}}
	if len(body) > 0 {
		m.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(body...))
	}
	for _, v := range body {
		if fd, ok := v.(dbus.UnixFD); ok {
			m.files = append(m.files, int(fd))
		}
	}
	return m
}

func signal(path dbus.ObjectPath, iface, member string, body ...any) *Message {
	m := newMessage(dbus.TypeSignal, body)
	m.Headers[dbus.FieldPath] = dbus.MakeVariant(path)
	m.Headers[dbus.FieldInterface] = dbus.MakeVariant(iface)
	m.Headers[dbus.FieldMember] = dbus.MakeVariant(member)
	return m
}

func methodCall(destination string, path dbus.ObjectPath, iface, member string, body []any) *Message {
	m := signal(path, iface, member, body...)
	m.Type = dbus.TypeMethodCall
	m.Headers[dbus.FieldDestination] = dbus.MakeVariant(destination)
	return m
}

func methodReply(serial uint32, body []any) *Message {
	m := newMessage(dbus.TypeMethodReply, body)
	m.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(serial)
	return m
}

func errorReply(serial uint32, e *dbus.Error) *Message {
	m := newMessage(dbus.TypeError, e.Body)
	m.Headers[dbus.FieldReplySerial] = dbus.MakeVariant(serial)
	m.Headers[dbus.FieldErrorName] = dbus.MakeVariant(e.Name)
	return m
}

// newError returns an error with a text, as bluetoothd and the bus send them.
func newError(name, text string) *dbus.Error { return dbus.NewError(name, []any{text}) }

// asError returns the error that a message of the type error carries.
func (m *Message) asError() error {
	name := m.header(dbus.FieldErrorName)
	if len(m.Body) > 0 {
		return fmt.Errorf("%w: %v", dbus.Error{Name: name, Body: m.Body}, m.Body[0])
	}
	return dbus.Error{Name: name}
}
