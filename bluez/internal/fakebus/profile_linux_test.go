package fakebus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

const serialPort = "00001101-0000-1000-8000-00805f9b34fb"

func TestRegisterProfileErrors(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	NewBlueZ(t)
	c, other := connect(t), connect(t)
	none := map[string]dbus.Variant{}
	for _, tt := range []struct {
		client     *client
		path, uuid string
		want       string
	}{
		{c, "/a", "spp", ""},
		{c, "/a", "1234", "org.bluez.Error.AlreadyExists: Already Exists"},
		{other, "/a", serialPort, "org.bluez.Error.NotPermitted: UUID already registered"},
		{other, "/a", "x", "org.bluez.Error.InvalidArguments: Invalid arguments in method call"},
		{other, "/a", "12345678-0000-1000-8000-00805f9b34fb", ""},
	} {
		_, err := tt.client.call(bluezPath, profileManager+".RegisterProfile", dbus.ObjectPath(tt.path), tt.uuid, none)
		want(t, tt.path+" "+tt.uuid, err, tt.want)
	}
	for _, w := range []string{"", "org.bluez.Error.DoesNotExist: Does Not Exist"} {
		_, err := c.call(bluezPath, profileManager+".UnregisterProfile", dbus.ObjectPath("/a"))
		want(t, "UnregisterProfile", err, w)
	}
}

// bluetoothd handles a call before the end of its sender, in the order of the bus.
// A held call may come after it.
func TestHeldCallOfClientThatLeftLeavesNothing(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c, other := connect(t), connect(t)
	h, reply := z.Hold(profileManager+".RegisterProfile"), z.HoldReply(profileManager+".RegisterProfile")
	c.Object(bluezName, bluezPath).Go(profileManager+".RegisterProfile", dbus.FlagNoReplyExpected, nil,
		dbus.ObjectPath("/a"), "spp", map[string]dbus.Variant{})
	h.Await(t)
	c.Close()
	hosttest.Eventually(t, "the client is gone", func() bool { return len(z.Bus().Clients()) == 1 })
	if _, err := other.call("/", "org.freedesktop.DBus.Peer.Ping"); err != "" { // bluetoothd knows it, too
		t.Fatal(err)
	}
	h.Release()
	reply.Await(t)
	if left := z.Profiles(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// record returns a record with classes and a browse group.
func record(group string, classes ...string) dbus.Variant {
	var uuids strings.Builder
	for _, class := range classes {
		fmt.Fprintf(&uuids, `<uuid value="%s"/>`, class)
	}
	return dbus.MakeVariant(`<?xml version="1.0"?><record><attribute id="0x0001"><sequence>` + uuids.String() +
		`</sequence></attribute><attribute id="0x0005"><sequence><uuid value="` + group + `"/></sequence></attribute></record>`)
}

func TestUUIDsListPublishedRecords(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	a.TakeChannel(5)
	const class = "12345678-0000-0000-0000-000000000001"
	for name, tt := range map[string]struct {
		options map[string]dbus.Variant
		want    string
	}{
		"record":           {map[string]dbus.Variant{"ServiceRecord": record("0x1002", class, "0x1101")}, class},
		"short class":      {map[string]dbus.Variant{"servicerecord": record("0x1002", "0x1101")}, serialPort},
		"no browse group":  {map[string]dbus.Variant{"ServiceRecord": record("0x1003", class)}, ""},
		"invalid XML":      {map[string]dbus.Variant{"ServiceRecord": dbus.MakeVariant("<record><")}, ""},
		"client":           {map[string]dbus.Variant{"Role": dbus.MakeVariant("client")}, ""},
		"taken channel":    {map[string]dbus.Variant{"Channel": dbus.MakeVariant(uint16(5))}, ""},
		"free channel":     {map[string]dbus.Variant{"Channel": dbus.MakeVariant(uint16(6))}, "00001234" + baseUUID},
		"ignored channel":  {map[string]dbus.Variant{"Channel": dbus.MakeVariant(5)}, "00001234" + baseUUID},
		"service":          {map[string]dbus.Variant{"Service": dbus.MakeVariant("1101")}, serialPort},
		"record of client": {map[string]dbus.Variant{"Role": dbus.MakeVariant("client"), "ServiceRecord": record("0x1002", class)}, class},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t)
			before := a.Get(adapterInterface, "UUIDs").([]string)
			register(t, c, "/p", "1234", tt.options)
			got := slices.DeleteFunc(slices.Clone(a.Get(adapterInterface, "UUIDs").([]string)), func(uuid string) bool { return slices.Contains(before, uuid) })
			if strings.Join(got, " ") != tt.want {
				t.Errorf("new UUIDs %q, want %q", got, tt.want)
			}
			c.Close()
			hosttest.Eventually(t, "withdrawal", func() bool { return slices.Equal(a.Get(adapterInterface, "UUIDs").([]string), before) })
		})
	}
}

func TestConnectKeepsDuplicate(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	d := z.AddDevice(z.AddAdapter("hci0", "00:00:00:00:00:01", nil), "00:00:00:00:00:02", nil)
	c := connect(t)
	received := make(descriptors, 1)
	if err := c.Export(received, "/p", profileInterface); err != nil {
		t.Fatal(err)
	}
	register(t, c, "/p", "1101", nil)
	for name, shut := range map[string]bool{"close": false, "shutdown": true} {
		fd, peer := pair(t)
		if err := d.Connect(context.Background(), z.Profiles()[0], fd, nil); err != nil {
			t.Fatal(err)
		}
		got := hosttest.Receive(t, received)
		if shut {
			if err := unix.Shutdown(got, unix.SHUT_RDWR); err != nil {
				t.Fatal(err)
			}
		}
		closeFile(got)
		if shut {
			hosttest.Eventually(t, "the end", func() bool { return atEnd(peer) })
			continue
		}
		if atEnd(peer) {
			t.Errorf("%s ended the connection", name)
		}
		if _, err := c.call(d.Path(), deviceInterface+".Disconnect"); err != "" {
			t.Fatal(err)
		}
		hosttest.Eventually(t, "the end", func() bool { return atEnd(peer) })
	}
}

func TestConnectProfile(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	d := z.AddDevice(a, "00:00:00:00:00:02", nil)
	c := connect(t)
	received := make(descriptors, 2)
	if err := c.Export(received, "/p", profileInterface); err != nil {
		t.Fatal(err)
	}
	connectProfile := func(wanted string) {
		t.Helper()
		_, err := c.call(d.Path(), deviceInterface+".ConnectProfile", serialPort)
		want(t, "ConnectProfile", err, wanted)
	}
	connectProfile("org.bluez.Error.NotAvailable: br-connection-profile-unavailable")
	register(t, c, "/p", serialPort, map[string]dbus.Variant{"Role": dbus.MakeVariant("client")})
	connectProfile("org.bluez.Error.Failed: br-connection-refused")
	fd, peer := pair(t)
	d.OnConnectProfile(func(context.Context, *Profile) (int, *dbus.Error) { return fd, nil })
	connectProfile("")
	connectProfile("") // is connected already
	closeFile(hosttest.Receive(t, received))
	if len(received) != 0 {
		t.Error("a second NewConnection")
	}
	if _, err := c.call(d.Path(), deviceInterface+".DisconnectProfile", serialPort); err != "" {
		t.Error(err)
	}
	hosttest.Eventually(t, "the end", func() bool { return atEnd(peer) })
	started, release := make(chan bool), make(chan bool)
	d.OnConnectProfile(func(context.Context, *Profile) (int, *dbus.Error) {
		started <- true
		<-release
		return -1, newError("org.bluez.Error.Failed", "br-connection-page-timeout")
	})
	call := c.Object(bluezName, d.Path()).Go(deviceInterface+".ConnectProfile", 0, nil, serialPort)
	hosttest.Receive(t, started)
	connectProfile("org.bluez.Error.InProgress: br-connection-busy")
	close(release)
	want(t, "first call", describe(hosttest.Receive(t, call.Done).Err), "org.bluez.Error.Failed: br-connection-page-timeout")
	a.Power(false)
	_, err := c.call("/org/bluez/hci0/dev_00_00_00_00_00_02", deviceInterface+".ConnectProfile", serialPort)
	want(t, "without power", err, "org.bluez.Error.NotReady: br-connection-adapter-not-powered")
}
