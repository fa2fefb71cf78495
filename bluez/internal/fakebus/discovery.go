package fakebus

import (
	"maps"
	"slices"

	"github.com/godbus/dbus/v5"
)

// inRange is a device that discoveries find.
type inRange struct {
	address string
	values  map[string]any
}

// InRange puts a device into range: discoveries find it, and one that runs finds it
// now. Values add or replace properties, among them Name and RSSI (-50 by default).
func (a *Adapter) InRange(address string, values map[string]any) {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	all := override(map[string]any{"RSSI": int16(-50)}, values)
	if name, ok := all["Name"]; ok && all["Alias"] == nil {
		all["Alias"] = name
	}
	a.inRange = append(a.inRange, inRange{address, all})
	if len(a.discoveries) > 0 {
		a.find(a.inRange[len(a.inRange)-1:])
	}
}

// Discoverers returns the clients that discover.
func (a *Adapter) Discoverers() []string {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	return slices.Clone(a.discoveries)
}

// Filter returns the discovery filter of a client, or nil.
func (a *Adapter) Filter(client string) map[string]dbus.Variant {
	a.z.bus.mu.Lock()
	defer a.z.bus.mu.Unlock()
	return maps.Clone(a.filters[client])
}

// startDiscovery is start_discovery in src/adapter.c.
func (a *Adapter) startDiscovery(c *Call) {
	switch {
	case !a.powered():
		c.fail("org.bluez.Error.NotReady", "Resource Not Ready")
	case slices.Contains(a.discoveries, c.Sender()):
		c.fail("org.bluez.Error.InProgress", "Operation already in progress")
	default:
		a.discoveries = append(a.discoveries, c.Sender())
		c.reply()
		a.change(adapterInterface, map[string]any{"Discovering": true})
		a.find(a.inRange)
	}
}

// stopDiscovery is stop_discovery in src/adapter.c.
func (a *Adapter) stopDiscovery(c *Call) {
	switch {
	case !a.powered():
		c.fail("org.bluez.Error.NotReady", "Resource Not Ready")
	case !slices.Contains(a.discoveries, c.Sender()):
		c.fail("org.bluez.Error.Failed", "No discovery started")
	default:
		a.endDiscovery(c.Sender())
		c.reply()
	}
}

// endDiscovery ends the discovery of a client. The last one takes RSSI with it
// (discovery_cleanup in src/adapter.c).
func (a *Adapter) endDiscovery(client string) {
	if !slices.Contains(a.discoveries, client) {
		return
	}
	a.discoveries = slices.DeleteFunc(a.discoveries, func(name string) bool { return name == client })
	delete(a.filters, client)
	if len(a.discoveries) > 0 {
		return
	}
	for _, d := range a.devices() {
		d.change(deviceInterface, map[string]any{"RSSI": nil, "TxPower": nil})
	}
	a.change(adapterInterface, map[string]any{"Discovering": false})
}

// setFilter is set_discovery_filter in src/adapter.c.
func (a *Adapter) setFilter(c *Call, filter map[string]dbus.Variant) {
	if !a.powered() {
		c.fail("org.bluez.Error.NotReady", "Resource Not Ready")
		return
	}
	types := map[string]string{"UUIDs": "as", "RSSI": "n", "Pathloss": "q", "Transport": "s", "DuplicateData": "b", "Discoverable": "b", "Pattern": "s"}
	for name, v := range filter {
		if types[name] != v.Signature().String() {
			c.fail("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
			return
		}
	}
	a.filters[c.Sender()] = filter
	c.reply()
}

// find reports devices as inquiry results do.
func (a *Adapter) find(found []inRange) {
	for _, f := range found {
		if o := a.z.objects[a.devicePath(f.address)]; o != nil {
			o.change(deviceInterface, f.values)
			continue
		}
		a.z.addDevice(a, f.address, f.values)
	}
}
