package fakebus

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// connect returns a client of the system bus of the test.
func connect(t testing.TB) *dbus.Conn {
	t.Helper()
	c, err := dbus.ConnectSystemBus(dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// errorName returns the D-Bus name of an error, or its text.
func errorName(err error) string {
	var e dbus.Error
	if errors.As(err, &e) {
		return e.Name
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func manager(c *dbus.Conn) dbus.BusObject { return c.Object(bluezName, bluezPath) }

func TestBusAnnouncesOwners(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	signals := make(chan *dbus.Signal, 10)
	c.Signal(signals)
	if err := c.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, bluezName)); err != nil {
		t.Fatal(err)
	}
	z.Restart()
	for _, gone := range []bool{true, false} {
		for s := hosttest.Receive(t, signals); s.Name != "org.freedesktop.DBus.NameOwnerChanged"; {
			s = hosttest.Receive(t, signals)
		}
		_ = gone
	}
}

func TestBusRoutesCallsAndReplies(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	z.AddAdapter("hci0", "00:11:22:33:44:55", nil)
	c := connect(t)
	var objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	if err := c.Object(bluezName, "/").Call(objectManager+".GetManagedObjects", 0).Store(&objects); err != nil {
		t.Fatal(err)
	}
	if v := objects["/org/bluez/hci0"][adapterInterface]["Address"].Value(); v != "00:11:22:33:44:55" {
		t.Errorf("address %v", v)
	}
}

type profile chan int

func (p profile) NewConnection(_ dbus.ObjectPath, fd dbus.UnixFD, _ map[string]dbus.Variant) *dbus.Error {
	p <- int(fd)
	return nil
}

func TestProfileGetsConnections(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	p := make(profile, 1)
	if err := c.Export(p, "/p", profileInterface); err != nil {
		t.Fatal(err)
	}
	if err := manager(c).Call(profileManager+".RegisterProfile", 0, dbus.ObjectPath("/p"), "1101", map[string]dbus.Variant{}).Err; err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = z.Profiles()[0].NewConnection(context.Background(), "/org/bluez/hci0/dev_x", dup(t, w), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	f := os.NewFile(uintptr(<-p), "pipe")
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	b := make([]byte, 2)
	if n, err := r.Read(b); n != 1 || err != nil {
		t.Errorf("Read: %d, %v", n, err)
	}
	if n, err := r.Read(b); n != 0 || err == nil {
		t.Errorf("Read at the end: %d, %v", n, err)
	}
}

func TestStopAnswersPendingCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	h := z.Hold(profileManager + ".RegisterProfile")
	call := manager(c).Go(profileManager+".RegisterProfile", 0, nil, dbus.ObjectPath("/p"), "1101", map[string]dbus.Variant{})
	h.Await(t)
	z.Stop()
	if name := errorName((<-call.Done).Err); name != "org.freedesktop.DBus.Error.NoReply" {
		t.Errorf("error %q", name)
	}
	if err := manager(c).Call(profileManager+".RegisterProfile", 0, dbus.ObjectPath("/p"), "1101", map[string]dbus.Variant{}).Err; errorName(err) != "org.freedesktop.DBus.Error.ServiceUnknown" {
		t.Errorf("error %v", err)
	}
}
