package fakebus

import (
	"strings"

	"github.com/godbus/dbus/v5"
)

// A Device is a device of bluetoothd.
type Device struct {
	*Object
	adapter     *Adapter
	temporary   bool // is forgotten when bluetoothd or the adapter ends
	pair        PairFunc
	pairing     *Pairing // that runs
	connecting  bool     // a ConnectProfile runs
	dial        DialFunc
	connections []*connection
}

// AddDevice adds a device to an adapter: one that is not paired, not connected and
// has no name. Values add or replace properties; nil removes one.
func (z *BlueZ) AddDevice(adapter *Adapter, address string, values map[string]any) *Device {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	return z.addDevice(adapter, address, values)
}

func (z *BlueZ) addDevice(adapter *Adapter, address string, values map[string]any) *Device {
	all := map[string]any{
		"Address": address, "AddressType": "public", "Alias": strings.ReplaceAll(address, ":", "-"), "Class": uint32(0x10c), "Icon": "computer",
		"Paired": false, "Bonded": false, "Trusted": false, "Blocked": false, "LegacyPairing": false, "Connected": false,
		"UUIDs": []string{}, "Adapter": adapter.path, "ServicesResolved": false,
	}
	d := &Device{adapter: adapter, pair: JustWorks}
	d.temporary = override(all, values)["Paired"] != true && all["Trusted"] != true && all["Blocked"] != true
	d.Object = z.export(adapter.devicePath(address), map[string]map[string]any{deviceInterface: all})
	d.Object.device = d
	return d
}

// Device returns the device with an address, or nil.
func (a *Adapter) Device(address string) *Device {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	if o := a.z.objects[a.devicePath(address)]; o != nil {
		return o.device
	}
	return nil
}

func (a *Adapter) devicePath(address string) dbus.ObjectPath {
	return a.path + "/dev_" + dbus.ObjectPath(strings.ReplaceAll(address, ":", "_"))
}

// Is reports whether a property such as Paired is true.
func (d *Device) Is(name string) bool { return d.Get(deviceInterface, name) == true }

func (d *Device) is(name string) bool { return d.interfaces[deviceInterface][name] == true }

// disconnected announces the end of the link, which makes the device a temporary one
// unless it is paired or trusted (device_bonding_complete in src/device.c, which is
// called for each end of a link).
func (d *Device) disconnected() {
	if d.is("Connected") && !d.is("Paired") && !d.is("Trusted") {
		d.temporary = true
	}
	d.change(deviceInterface, map[string]any{"Connected": false})
}

func (d *Device) setProperty(c *Call, name string, value any) {
	if name == "Alias" && value == "" {
		value = d.interfaces[deviceInterface]["Name"]
		if value == nil {
			value = strings.ReplaceAll(d.interfaces[deviceInterface]["Address"].(string), ":", "-")
		}
	}
	d.change(deviceInterface, map[string]any{name: value})
	if name == "Blocked" && value == true {
		d.end(Disconnected)
		d.disconnected()
		d.temporary = false
	}
	c.reply()
}

// method answers calls of Device1 (device_methods in src/device.c).
func (d *Device) method(c *Call) {
	switch c.Member() + " " + c.signature() {
	case "Pair ":
		d.startPairing(c)
	case "CancelPairing ":
		d.methodCancelPairing(c)
	case "Connect ":
		d.temporary = false
		d.connectAll(c)
	case "ConnectProfile s":
		d.temporary = false
		d.connectProfile(c, uuidOfName(c.Body[0].(string)))
	case "Disconnect ":
		d.disconnect(c)
	case "DisconnectProfile s":
		d.disconnectProfile(c, uuidOfName(c.Body[0].(string)))
	default:
		c.unknown()
	}
}

// connectAll is dev_connect in src/device.c for a device without profiles that
// connect by themselves.
func (d *Device) connectAll(c *Call) {
	switch {
	case !d.adapter.powered():
		c.fail("org.bluez.Error.NotReady", "br-connection-adapter-not-powered")
	case d.connecting:
		c.fail("org.bluez.Error.InProgress", "br-connection-busy")
	case d.is("Connected"):
		c.reply()
	default:
		c.fail("org.bluez.Error.NotAvailable", "br-connection-profile-unavailable")
	}
}

// disconnect is dev_disconnect with device_request_disconnect: the pairing is
// cancelled, profiles are asked to close their connections, and then the link is
// taken down.
func (d *Device) disconnect(c *Call) {
	d.cancelPairing(Cancelled)
	profiles, ctx := d.connected(), d.z.ctx
	d.z.bus.working.Go(func() {
		for _, p := range profiles {
			p.RequestDisconnection(ctx, d.path)
		}
		d.z.bus.mu.Lock()
		defer d.z.bus.mu.Unlock()
		d.closeConnections()
		d.disconnected()
		c.reply()
	})
}
