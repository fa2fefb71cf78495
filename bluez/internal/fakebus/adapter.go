package fakebus

import (
	"maps"
	"slices"

	"github.com/godbus/dbus/v5"
)

// An Adapter is an adapter of bluetoothd.
type Adapter struct {
	*Object
	base        []string // UUIDs of bluetoothd's own records
	taken       map[uint16]bool
	discoveries []string                           // clients that discover
	filters     map[string]map[string]dbus.Variant // by client
	inRange     []inRange
}

// AddAdapter adds an adapter with a name such as "hci0". It is powered. Values add or
// replace properties; nil removes one.
func (z *BlueZ) AddAdapter(name, address string, values map[string]any) *Adapter {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	all := map[string]any{
		"Address": address, "AddressType": "public", "Name": "fake", "Alias": "fake", "Class": uint32(0x10c),
		"Powered": true, "Discoverable": false, "DiscoverableTimeout": uint32(180),
		"Pairable": len(z.agents) > 0, "PairableTimeout": uint32(0), "Discovering": false,
		"Modalias": "usb:v1D6Bp0246d0542", "Roles": []string{"central", "peripheral"}, "ExperimentalFeatures": []string{},
	}
	a := &Adapter{Object: &Object{z: z}, taken: make(map[uint16]bool), filters: make(map[string]map[string]dbus.Variant)}
	a.base = []string{"0000110e-0000-1000-8000-00805f9b34fb", "00001200-0000-1000-8000-00805f9b34fb", "00001800-0000-1000-8000-00805f9b34fb", "00001801-0000-1000-8000-00805f9b34fb"}
	all["UUIDs"] = a.uuids()
	a.Object = z.export(bluezPath+"/"+dbus.ObjectPath(name), map[string]map[string]any{adapterInterface: override(all, values)})
	a.Object.adapter = a
	return a
}

// override returns properties with values that are added, replaced or removed.
func override(all, values map[string]any) map[string]any {
	maps.Copy(all, values)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// TakeChannel makes listeners of bluetoothd on an RFCOMM channel fail on this
// adapter, as when another program listens there.
func (a *Adapter) TakeChannel(channel uint16) {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	a.taken[channel] = true
}

// Power switches the adapter, as another program does.
func (a *Adapter) Power(on bool) {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	a.power(on)
}

func (a *Adapter) powered() bool { return a.interfaces[adapterInterface]["Powered"] == true }

// power is settings_changed with adapter_stop (src/adapter.c): an adapter that is
// switched off loses its discoveries, pairings and connections, and temporary devices.
func (a *Adapter) power(on bool) {
	if on == a.powered() {
		return
	}
	if on {
		a.change(adapterInterface, map[string]any{"Powered": true, "Pairable": len(a.z.agents) > 0})
		return
	}
	for _, d := range a.devices() {
		d.end(Disconnected)
		if d.temporary {
			d.remove()
			continue
		}
		d.disconnected()
		d.change(deviceInterface, map[string]any{"RSSI": nil})
	}
	a.discoveries = nil
	a.change(adapterInterface, map[string]any{"Powered": false, "Discoverable": false, "Discovering": false})
}

// setProperty is property_set_mode and others in src/adapter.c.
func (a *Adapter) setProperty(c *Call, name string, value any) {
	timeout, _ := a.interfaces[adapterInterface]["DiscoverableTimeout"].(uint32)
	switch {
	case name == "Discoverable" && !a.powered() && timeout > 0:
		c.fail("org.bluez.Error.Failed", "Not Powered")
	case name == "Powered" && value == true && a.interfaces[adapterInterface]["PowerState"] == "off-blocked":
		c.fail("org.bluez.Error.Blocked", "Blocked through rfkill")
	case name == "Powered":
		a.power(value == true)
		c.reply()
	case name == "Alias" && value == "":
		a.change(adapterInterface, map[string]any{name: a.interfaces[adapterInterface]["Name"]})
		c.reply()
	default:
		a.change(adapterInterface, map[string]any{name: value})
		c.reply()
	}
}

// devices returns the devices of the adapter, sorted by their paths.
func (a *Adapter) devices() []*Device {
	var devices []*Device
	for _, path := range slices.Sorted(maps.Keys(a.z.objects)) {
		if d := a.z.objects[path].device; d != nil && d.adapter == a {
			devices = append(devices, d)
		}
	}
	return devices
}

// method answers calls of Adapter1 (adapter_methods in src/adapter.c).
func (a *Adapter) method(c *Call) {
	switch c.Member() + " " + c.signature() {
	case "StartDiscovery ":
		a.startDiscovery(c)
	case "StopDiscovery ":
		a.stopDiscovery(c)
	case "SetDiscoveryFilter a{sv}":
		a.setFilter(c, c.Body[0].(map[string]dbus.Variant))
	case "GetDiscoveryFilters ":
		c.reply([]string{"Discoverable", "DuplicateData", "Pathloss", "Pattern", "RSSI", "Transport", "UUIDs"})
	case "RemoveDevice o":
		a.removeDevice(c, c.Body[0].(dbus.ObjectPath))
	default:
		c.unknown()
	}
}

// removeDevice is remove_device in src/adapter.c.
func (a *Adapter) removeDevice(c *Call, path dbus.ObjectPath) {
	o := a.z.objects[path]
	switch {
	case o == nil || o.device == nil || o.device.adapter != a:
		c.fail("org.bluez.Error.DoesNotExist", "Does Not Exist")
	case !a.powered():
		c.fail("org.bluez.Error.NotReady", "Resource Not Ready")
	default:
		o.remove()
		c.reply()
	}
}
