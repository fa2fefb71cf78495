package fakebus

import (
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// An Object is an object of bluetoothd: an adapter, a device, or /org/bluez.
type Object struct {
	z          *BlueZ
	path       dbus.ObjectPath
	interfaces map[string]map[string]any

	adapter *Adapter // if it is one
	device  *Device
}

// Path returns the path of the object.
func (o *Object) Path() dbus.ObjectPath { return o.path }

// Get returns the value of a property, or nil.
func (o *Object) Get(iface, name string) any {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
	return o.interfaces[iface][name]
}

// Set changes properties of an interface and announces all of them in one
// PropertiesChanged. The value nil removes a property, which the signal then lists
// as invalidated. Types and values may be any, also those that no bluetoothd has. A
// device that becomes Paired, Trusted or Blocked in this way is no longer temporary.
func (o *Object) Set(iface string, values map[string]any) {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
	if o.device != nil && (values["Paired"] == true || values["Trusted"] == true || values["Blocked"] == true) {
		o.device.temporary = false
	}
	o.set(iface, values)
}

func (o *Object) set(iface string, values map[string]any) {
	changed, invalidated := make(map[string]dbus.Variant), []string{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == nil {
			delete(o.interfaces[iface], name)
			invalidated = append(invalidated, name)
			continue
		}
		o.interfaces[iface][name] = values[name]
		changed[name] = variant(values[name])
	}
	if o.exported() {
		o.z.send(signal(o.path, properties, "PropertiesChanged", iface, changed, invalidated))
	}
}

// change sets those properties that have another value now.
func (o *Object) change(iface string, values map[string]any) {
	values = maps.Clone(values)
	maps.DeleteFunc(values, func(name string, v any) bool {
		old, ok := o.interfaces[iface][name]
		return ok == (v != nil) && (v == nil || equal(old, v))
	})
	if len(values) > 0 {
		o.set(iface, values)
	}
}

// Remove removes the object and all objects below it, and announces it.
func (o *Object) Remove() {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
	o.remove()
}

func (o *Object) remove() {
	z := o.z
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(z.objects))) {
		if path != o.path && !strings.HasPrefix(string(path), string(o.path)+"/") {
			continue
		}
		removed := z.objects[path]
		removed.end(Disconnected)
		delete(z.objects, path)
		interfaces := append(slices.Sorted(maps.Keys(removed.interfaces)), properties, introspectable)
		z.send(signal("/", objectManager, "InterfacesRemoved", path, interfaces))
	}
}

// end ends the activities of an object.
func (o *Object) end(status Status) {
	if o.adapter != nil {
		o.adapter.discoveries = nil
	}
	if o.device != nil {
		o.device.cancelPairing(status)
		o.device.closeConnections()
	}
}

// Restore adds a removed object again, as when an adapter is plugged in again. It
// does not restore the objects below it.
func (o *Object) Restore() {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
	if o.exported() {
		return
	}
	o.z.objects[o.path] = o
	if o.adapter != nil {
		o.interfaces[adapterInterface]["UUIDs"] = o.adapter.uuids()
	}
	o.announce()
}

func (o *Object) exported() bool { return o.z.objects[o.path] == o }

func (o *Object) announce() {
	o.z.send(signal("/", objectManager, "InterfacesAdded", o.path, variants(o.interfaces)))
}

// export adds an object to the tree and announces it. The caller holds the lock.
func (z *BlueZ) export(path dbus.ObjectPath, interfaces map[string]map[string]any) *Object {
	o := &Object{z: z, path: path, interfaces: interfaces}
	z.objects[path] = o
	o.announce()
	return o
}

func (z *BlueZ) managedObjects() map[dbus.ObjectPath]map[string]map[string]dbus.Variant {
	all := make(map[dbus.ObjectPath]map[string]map[string]dbus.Variant)
	for path, o := range z.objects {
		all[path] = variants(o.interfaces)
	}
	return all
}

// variants returns interfaces with the two that all objects of gdbus have
// (object_path_ref and g_dbus_register_interface in gdbus/object.c).
func variants(interfaces map[string]map[string]any) map[string]map[string]dbus.Variant {
	all := map[string]map[string]dbus.Variant{introspectable: {}, properties: {}}
	for name, values := range interfaces {
		all[name] = make(map[string]dbus.Variant)
		for property, v := range values {
			all[name][property] = variant(v)
		}
	}
	return all
}

// variant returns a value as a variant, unless it is one.
func variant(v any) dbus.Variant {
	if v, ok := v.(dbus.Variant); ok {
		return v
	}
	return dbus.MakeVariant(v)
}

// equal reports whether two values of properties are the same. Lists of strings are
// compared as lists.
func equal(a, b any) bool {
	if s, ok := a.([]string); ok {
		t, ok := b.([]string)
		return ok && slices.Equal(s, t)
	}
	switch a.(type) {
	case string, bool, byte, int16, uint16, int32, uint32, int64, uint64, float64, dbus.ObjectPath:
		return a == b
	}
	return false
}
