package fakebus

import (
	"context"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestBusAnnouncesOwners(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	z.Restart()
	want := [][]any{
		{bluezName, ":1.1", ""}, {":1.1", ":1.1", ""}, // names end before their owner
		{":1.3", "", ":1.3"}, {bluezName, "", ":1.3"},
	}
	for _, w := range want {
		got := c.next(t, "org.freedesktop.DBus.NameOwnerChanged").Body
		if got[0] != w[0] || got[1] != w[1] || got[2] != w[2] {
			t.Errorf("NameOwnerChanged %q, want %q", got, w)
		}
	}
}

func TestStopAnswersPendingCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	h := z.Hold("org.freedesktop.DBus.Peer.Ping")
	call := c.Object(bluezName, "/").Go("org.freedesktop.DBus.Peer.Ping", 0, nil)
	h.Await(t)
	z.Stop()
	want(t, "pending call", describe(hosttest.Receive(t, call.Done).Err), "org.freedesktop.DBus.Error.NoReply: Message recipient disconnected from message bus without replying")
	_, err := c.call("/", "org.freedesktop.DBus.Peer.Ping")
	want(t, "call afterwards", err, "org.freedesktop.DBus.Error.ServiceUnknown: The name org.bluez was not provided by any .service files")
	z.Start()
	_, err = c.call("/", "org.freedesktop.DBus.Peer.Ping")
	want(t, "call after the restart", err, "")
}

func TestBusRefusesByPolicy(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	z.Bus().Refuse(func(m *Message) *dbus.Error {
		if m.Destination() == bluezName {
			return AccessDenied(m)
		}
		return nil
	})
	err := c.Object(bluezName, "/").Call("org.freedesktop.DBus.Peer.Ping", 0).Err
	if e, ok := err.(dbus.Error); !ok || e.Name != "org.freedesktop.DBus.Error.AccessDenied" {
		t.Errorf("error %v", err)
	}
	if len(z.Calls("")) != 0 {
		t.Error("bluetoothd received the call")
	}
}

func TestBusRoutesBetweenClients(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	server, caller := connect(t), connect(t)
	received := make(descriptors, 1)
	if err := server.Export(received, "/p", profileInterface); err != nil {
		t.Fatal(err)
	}
	fd, peer := pair(t)
	defer closeFile(fd)
	name := server.Names()[0]
	if err := caller.Object(name, "/p").Call(profileInterface+".NewConnection", 0, dbus.ObjectPath("/d"), dbus.UnixFD(fd), map[string]dbus.Variant{}).Err; err != nil {
		t.Fatal(err)
	}
	closeFile(hosttest.Receive(t, received))
	if atEnd(peer) {
		t.Error("the descriptor of the sender is closed")
	}
	if got := z.Bus().Clients(); len(got) != 2 || got[0] != name {
		t.Errorf("clients %q", got)
	}
}

func TestBusClosesDescriptorsOfNobody(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	fd, peer := pair(t)
	call := c.Object(":1.99", "/p").Call("a.b.C", 0, dbus.UnixFD(fd))
	want(t, "call", describe(call.Err), "org.freedesktop.DBus.Error.ServiceUnknown: The name :1.99 was not provided by any .service files")
	want(t, "signal", describe(c.Emit("/p", "a.b.C", dbus.UnixFD(fd))), "") // without another receiver
	closeFile(fd)
	c.BusObject().Call("org.freedesktop.DBus.GetId", 0)
	c.Close()
	hosttest.Eventually(t, "the end of the connection", func() bool { return atEnd(peer) })
	z.Stop()
}

func TestBusDisconnectsClients(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	register(t, c, "/p", "1101", nil)
	z.Bus().Disconnect(c.Names()[0])
	<-c.Context().Done()
	hosttest.Eventually(t, "no profiles", func() bool { return len(z.Profiles()) == 0 })
}

func TestBusDeliversInOrder(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	c := connect(t)
	for i := range 500 {
		a.Set(adapterInterface, map[string]any{"Class": uint32(i)})
	}
	for i := range 500 {
		s := c.next(t, properties+".PropertiesChanged")
		if got := s.Body[1].(map[string]dbus.Variant)["Class"].Value(); got != uint32(i) {
			t.Fatalf("signal %d: Class %v", i, got)
		}
	}
}

// Signals that bluetoothd sends before a reply arrive before it.
func TestBusKeepsRepliesBehindSignals(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	c := connect(t)
	call := c.Object(bluezName, "/org/bluez/hci0").Call(properties+".Set", 0, adapterInterface, "Alias", dbus.MakeVariant("x"))
	signal := c.next(t, properties+".PropertiesChanged")
	if call.Err != nil || signal.Sequence >= call.ResponseSequence {
		t.Errorf("reply %d (%v), signal %d", call.ResponseSequence, call.Err, signal.Sequence)
	}
}

func TestCloseEndsHeldCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	h := z.Hold("org.freedesktop.DBus.Peer.Ping")
	call := c.Object(bluezName, "/").GoWithContext(context.Background(), "org.freedesktop.DBus.Peer.Ping", 0, nil)
	h.Await(t)
	z.Bus().Close()
	if hosttest.Receive(t, call.Done).Err == nil {
		t.Error("the call was answered")
	}
}

// descriptors is a Profile1 that keeps the descriptors that it gets.
type descriptors chan int

func (d descriptors) NewConnection(_ dbus.ObjectPath, fd dbus.UnixFD, _ map[string]dbus.Variant) *dbus.Error {
	d <- int(fd)
	return nil
}

func (descriptors) RequestDisconnection(dbus.ObjectPath) *dbus.Error { return nil }

// register registers a profile.
func register(t testing.TB, c *client, path dbus.ObjectPath, uuid string, options map[string]dbus.Variant) {
	t.Helper()
	if options == nil {
		options = make(map[string]dbus.Variant)
	}
	if _, err := c.call(bluezPath, profileManager+".RegisterProfile", path, uuid, options); err != "" {
		t.Fatal(err)
	}
}
