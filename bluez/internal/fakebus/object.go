package fakebus

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// An Object is an object of bluetoothd, such as an adapter or a device.
type Object struct {
	z          *BlueZ
	path       dbus.ObjectPath
	interfaces map[string]map[string]any
}

// Path returns the path of the object.
func (o *Object) Path() dbus.ObjectPath { return o.path }

// Get returns the value of a property, or nil.
func (o *Object) Get(iface, name string) any {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
	return o.interfaces[iface][name]
}

// Set changes properties of an interface and announces it in one PropertiesChanged.
// The value nil removes a property, which becomes an invalidated one. Set announces
// values that are not new as well.
func (o *Object) Set(iface string, values map[string]any) {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
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
	if o.z.objects[o.path] == o {
		o.z.send(signal(o.path, properties, "PropertiesChanged", iface, changed, invalidated))
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
		interfaces := slices.Sorted(maps.Keys(z.objects[path].interfaces))
		delete(z.objects, path)
		z.send(signal("/", objectManager, "InterfacesRemoved", path, interfaces))
	}
}

// Restore adds a removed object again, as when an adapter returns.
func (o *Object) Restore() {
	o.z.bus.mu.Lock()
	defer o.z.bus.mu.Unlock()
	if o.z.objects[o.path] == nil {
		o.z.objects[o.path] = o
		o.z.send(signal("/", objectManager, "InterfacesAdded", o.path, variants(o.interfaces)))
	}
}

// export adds an interface to an object, which it creates, and announces it. The
// caller holds the lock.
func (z *BlueZ) export(path dbus.ObjectPath, iface string, values map[string]any) *Object {
	o := z.objects[path]
	if o == nil {
		o = &Object{z: z, path: path, interfaces: make(map[string]map[string]any)}
		z.objects[path] = o
	}
	if values == nil {
		values = make(map[string]any)
	}
	o.interfaces[iface] = values
	z.send(signal("/", objectManager, "InterfacesAdded", path, variants(map[string]map[string]any{iface: values})))
	return o
}

func (z *BlueZ) managedObjects() map[dbus.ObjectPath]map[string]map[string]dbus.Variant {
	all := make(map[dbus.ObjectPath]map[string]map[string]dbus.Variant)
	for path, o := range z.objects {
		all[path] = variants(o.interfaces)
	}
	return all
}

// variants returns interfaces with the three that each object of gdbus has
// (add_interface in gdbus/object.c).
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

func variant(v any) dbus.Variant {
	if v, ok := v.(dbus.Variant); ok {
		return v
	}
	return dbus.MakeVariant(v)
}

// property answers a call of org.freedesktop.DBus.Properties
// (properties_get and others in gdbus/object.c).
func (z *BlueZ) property(c *Call, o *Object) {
	var iface, name string
	if len(c.Body) > 0 {
		iface, _ = c.Body[0].(string)
	}
	if len(c.Body) > 1 {
		name, _ = c.Body[1].(string)
	}
	values := o.interfaces[iface]
	value, ok := values[name]
	switch c.Member() + " " + c.signature() {
	case "GetAll s":
		if values == nil {
			c.fail(errorArgs, fmt.Sprintf("No such interface '%s'", iface))
			return
		}
		c.reply(variants(o.interfaces)[iface])
	case "Get ss":
		switch {
		case values == nil:
			c.fail(errorArgs, fmt.Sprintf("No such interface '%s'", iface))
		case !ok:
			c.fail(errorArgs, fmt.Sprintf("No such property '%s'", name))
		default:
			c.reply(variant(value))
		}
	case "Set ssv":
		switch {
		case values == nil:
			c.fail(errorArgs, fmt.Sprintf("No such interface '%s'", iface))
		case !ok:
			c.fail(errorArgs, fmt.Sprintf("No such property '%s'", name))
		default:
			z.setProperty(c, o, iface, name, c.Body[2].(dbus.Variant))
		}
	default:
		c.unknown()
	}
}

const errorArgs = "org.freedesktop.DBus.Error.InvalidArgs"

func (z *BlueZ) setProperty(c *Call, o *Object, iface, name string, value dbus.Variant) {
	if o.interfaces[iface][name] != value.Value() {
		o.set(iface, map[string]any{name: value.Value()})
	}
	c.reply()
}
