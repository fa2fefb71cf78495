package fakebus

import (
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

func TestObjectsLikeGDBus(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	z.AddDevice(a, "00:00:00:00:00:02", map[string]any{"Name": "n"})
	c := connect(t)
	device := "/org/bluez/hci0/dev_00_00_00_00_00_02"
	for _, tt := range []struct {
		path, method string
		body         []any
		want         string
	}{
		{device, properties + ".Get", []any{deviceInterface, "Name"}, ""},
		{device, properties + ".GetAll", []any{deviceInterface}, ""},
		{device, properties + ".Get", []any{deviceInterface, "RSSI"}, "org.freedesktop.DBus.Error.InvalidArgs: No such property 'RSSI'"},
		{device, properties + ".Get", []any{adapterInterface, "Name"}, "org.freedesktop.DBus.Error.InvalidArgs: No such interface 'org.bluez.Adapter1'"},
		{device, properties + ".Set", []any{deviceInterface, "Paired", dbus.MakeVariant(true)}, "org.freedesktop.DBus.Error.PropertyReadOnly: Property 'Paired' is not writable"},
		{device, properties + ".Set", []any{deviceInterface, "Trusted", dbus.MakeVariant("x")}, "org.freedesktop.DBus.Error.InvalidSignature: Invalid signature for 'Trusted'"},
		{device, properties + ".Set", []any{deviceInterface, "X", dbus.MakeVariant("x")}, "org.freedesktop.DBus.Error.UnknownProperty: No such property 'X'"},
		{device, deviceInterface + ".Nothing", nil, "org.freedesktop.DBus.Error.UnknownMethod: Method \"Nothing\" with signature \"\" on interface \"org.bluez.Device1\" doesn't exist\n"},
		{device, deviceInterface + ".Pair", []any{"x"}, "org.freedesktop.DBus.Error.UnknownMethod: Method \"Pair\" with signature \"s\" on interface \"org.bluez.Device1\" doesn't exist\n"},
		{device, adapterInterface + ".StartDiscovery", nil, "org.freedesktop.DBus.Error.UnknownMethod: Method \"StartDiscovery\" with signature \"\" on interface \"org.bluez.Adapter1\" doesn't exist\n"},
		{"/org/bluez/hci9", deviceInterface + ".Pair", nil, "org.freedesktop.DBus.Error.UnknownObject: Method \"Pair\" with signature \"\" on interface \"org.bluez.Device1\" doesn't exist\n"},
		{"/org/bluez/hci0", adapterInterface + ".RemoveDevice", []any{dbus.ObjectPath("/x")}, "org.bluez.Error.DoesNotExist: Does Not Exist"},
		{"/org/bluez/hci0", adapterInterface + ".RemoveDevice", []any{dbus.ObjectPath(device)}, ""},
		{device, properties + ".Get", []any{deviceInterface, "Name"}, "org.freedesktop.DBus.Error.UnknownObject: Method \"Get\" with signature \"ss\" on interface \"org.freedesktop.DBus.Properties\" doesn't exist\n"},
	} {
		_, err := c.call(dbus.ObjectPath(tt.path), tt.method, tt.body...)
		want(t, tt.method, err, tt.want)
	}
}

func TestRestartDropsTemporaryDevices(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	z.AddDevice(a, "00:00:00:00:00:02", nil)
	z.AddDevice(a, "00:00:00:00:00:03", map[string]any{"Trusted": true})
	c := connect(t)
	register(t, c, "/p", "1101", nil)
	if _, err := c.call("/org/bluez/hci0", adapterInterface+".StartDiscovery"); err != "" {
		t.Fatal(err)
	}
	z.Exit()
	z.Start()
	var paths []string
	for len(paths) < 2 {
		paths = append(paths, string(c.next(t, objectManager+".InterfacesAdded").Body[0].(dbus.ObjectPath)))
	}
	if want := []string{"/org/bluez/hci0", "/org/bluez/hci0/dev_00_00_00_00_00_03"}; !slices.Equal(paths, want) {
		t.Errorf("objects %q", paths)
	}
	if a.Get(adapterInterface, "Discovering") != false || len(a.Discoverers()) != 0 || len(z.Profiles()) != 0 || a.Device("00:00:00:00:00:02") != nil {
		t.Errorf("left: Discovering %v, discoverers %v, profiles %v", a.Get(adapterInterface, "Discovering"), a.Discoverers(), z.Profiles())
	}
}

func TestExitReleases(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	c := connect(t)
	released := make(releases, 2)
	for path, iface := range map[dbus.ObjectPath]string{"/p": profileInterface, "/a": agentInterface} {
		if err := c.Export(released, path, iface); err != nil {
			t.Fatal(err)
		}
	}
	register(t, c, "/p", "1101", nil)
	if _, err := c.call(bluezPath, agentManager+".RegisterAgent", dbus.ObjectPath("/a"), ""); err != "" {
		t.Fatal(err)
	}
	z.Exit()
	hosttest.Receive(t, released)
	hosttest.Receive(t, released)
	if s := c.next(t, objectManager+".InterfacesRemoved"); s.Body[0] != dbus.ObjectPath("/org/bluez/hci0") {
		t.Errorf("removed %v", s.Body)
	}
}

type releases chan bool

func (r releases) Release() *dbus.Error {
	r <- true
	return nil
}

func TestPowerOffEndsActivities(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	d := z.AddDevice(a, "00:00:00:00:00:02", nil)
	d.OnPair(NoAnswer)
	c := connect(t)
	if _, err := c.call(a.Path(), adapterInterface+".StartDiscovery"); err != "" {
		t.Fatal(err)
	}
	call := c.Object(bluezName, d.Path()).Go(deviceInterface+".Pair", 0, nil)
	hosttest.Eventually(t, "pairing", d.Pairing)
	if _, err := c.call(a.Path(), properties+".Set", adapterInterface, "Powered", dbus.MakeVariant(false)); err != "" {
		t.Fatal(err)
	}
	want(t, "Pair", describe(hosttest.Receive(t, call.Done).Err), "org.bluez.Error.AuthenticationCanceled: Authentication Canceled")
	for path, method := range map[dbus.ObjectPath]string{a.Path(): adapterInterface + ".StartDiscovery", "/org/bluez/hci0/": ""} {
		if method == "" {
			continue
		}
		_, err := c.call(path, method)
		want(t, method, err, "org.bluez.Error.NotReady: Resource Not Ready")
	}
	if a.Get(adapterInterface, "Discovering") != false {
		t.Error("discovers without power")
	}
	_, err := c.call(d.Path(), deviceInterface+".Pair")
	want(t, "Pair without power", err, "org.bluez.Error.AuthenticationFailed: Authentication Failed")
}

func TestDiscoveryFindsDevicesInRange(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	a := z.AddAdapter("hci0", "00:00:00:00:00:01", nil)
	a.InRange("00:00:00:00:00:02", map[string]any{"Name": "n"})
	c, other := connect(t), connect(t)
	filter := map[string]dbus.Variant{"Transport": dbus.MakeVariant("bredr")}
	for method, body := range map[string][]any{"SetDiscoveryFilter": {filter}, "GetDiscoveryFilters": nil} {
		if _, err := c.call(a.Path(), adapterInterface+"."+method, body...); err != "" {
			t.Fatal(err)
		}
	}
	_, err := c.call(a.Path(), adapterInterface+".SetDiscoveryFilter", map[string]dbus.Variant{"Transport": dbus.MakeVariant(1)})
	want(t, "filter with a wrong type", err, "org.bluez.Error.InvalidArguments: Invalid arguments in method call")
	for _, tt := range []struct {
		client       *client
		method, want string
	}{
		{c, "StopDiscovery", "org.bluez.Error.Failed: No discovery started"},
		{c, "StartDiscovery", ""},
		{c, "StartDiscovery", "org.bluez.Error.InProgress: Operation already in progress"},
		{other, "StartDiscovery", ""},
		{c, "StopDiscovery", ""},
	} {
		_, err := tt.client.call(a.Path(), adapterInterface+"."+tt.method)
		want(t, tt.method, err, tt.want)
	}
	d := a.Device("00:00:00:00:00:02")
	if d == nil || d.Get(deviceInterface, "Alias") != "n" || d.Get(deviceInterface, "RSSI") != int16(-50) {
		t.Fatalf("device %v", d)
	}
	a.InRange("00:00:00:00:00:03", nil)
	if a.Device("00:00:00:00:00:03") == nil {
		t.Error("a discovery that runs does not find a new device")
	}
	other.Close()
	hosttest.Eventually(t, "the end of discovery", func() bool { return a.Get(adapterInterface, "Discovering") == false })
	if d.Get(deviceInterface, "RSSI") != nil {
		t.Error("RSSI without discovery")
	}
}

func TestFailHandleAndDelayScriptCalls(t *testing.T) {
	hosttest.CheckLeaksAtEnd(t)
	z := NewBlueZ(t)
	c := connect(t)
	ping := "org.freedesktop.DBus.Peer.Ping"
	z.Fail(ping, "a.b.First", "1")
	z.Delay(ping, 1)
	z.FailAll(ping, "a.b.Others", "2")
	for _, w := range []string{"a.b.First: 1", "", "a.b.Others: 2", "a.b.Others: 2"} {
		_, err := c.call("/", ping)
		want(t, "Ping", err, w)
	}
	z.Handle("a.b.C", func(c *Call) { c.Reply("x") })
	if body, err := c.call("/", "a.b.C"); err != "" || body[0] != "x" {
		t.Errorf("reply %v, %s", body, err)
	}
	if n := len(z.Calls(ping)); n != 4 {
		t.Errorf("%d calls", n)
	}
}
