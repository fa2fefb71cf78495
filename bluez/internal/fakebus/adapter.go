package fakebus

import (
	"maps"
	"strings"

	"github.com/godbus/dbus/v5"
)

// AddAdapter adds an adapter such as "hci0". Values override or add properties; nil
// removes one.
func (z *BlueZ) AddAdapter(name, address string, values map[string]any) *Object {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	all := map[string]any{
		"Address": address, "AddressType": "public", "Name": "fake", "Alias": "fake", "Class": uint32(0x10c),
		"Powered": true, "Discoverable": false, "DiscoverableTimeout": uint32(180),
		"Pairable": false, "PairableTimeout": uint32(0), "Discovering": false,
		"UUIDs":    []string{"00001800-0000-1000-8000-00805f9b34fb", "00001801-0000-1000-8000-00805f9b34fb", "0000110e-0000-1000-8000-00805f9b34fb", "00001200-0000-1000-8000-00805f9b34fb"},
		"Modalias": "usb:v1D6Bp0246d0542", "Roles": []string{"central", "peripheral"}, "ExperimentalFeatures": []string{},
	}
	override(all, values)
	return z.export(bluezPath+"/"+dbus.ObjectPath(name), adapterInterface, all)
}

// AddDevice adds a device to an adapter. Values override or add properties; nil
// removes one.
func (z *BlueZ) AddDevice(adapter *Object, address string, values map[string]any) *Object {
	z.bus.mu.Lock()
	defer z.bus.mu.Unlock()
	all := map[string]any{
		"Address": address, "AddressType": "public", "Alias": strings.ReplaceAll(address, ":", "-"), "Class": uint32(0x10c), "Icon": "computer",
		"Paired": false, "Bonded": false, "Trusted": false, "Blocked": false, "LegacyPairing": false, "Connected": false,
		"UUIDs": []string{}, "Adapter": adapter.path, "ServicesResolved": false,
	}
	override(all, values)
	return z.export(adapter.path+"/dev_"+dbus.ObjectPath(strings.ReplaceAll(address, ":", "_")), deviceInterface, all)
}

func override(all, values map[string]any) {
	maps.Copy(all, values)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
}
