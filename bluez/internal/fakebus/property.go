package fakebus

import (
	"fmt"

	"github.com/godbus/dbus/v5"
)

// writable holds the types of the properties that clients may set (adapter_properties
// in src/adapter.c and device_properties in src/device.c).
var writable = map[string]map[string]string{
	adapterInterface: {"Alias": "s", "Powered": "b", "Discoverable": "b", "DiscoverableTimeout": "u", "Pairable": "b", "PairableTimeout": "u"},
	deviceInterface:  {"Alias": "s", "Trusted": "b", "Blocked": "b", "WakeAllowed": "b"},
}

// property answers calls of org.freedesktop.DBus.Properties (properties_get,
// properties_get_all and properties_set in gdbus/object.c).
func (z *BlueZ) property(c *Call, o *Object) {
	switch c.Member() + " " + c.signature() {
	case "GetAll s":
		iface := c.Body[0].(string)
		if o.interfaces[iface] == nil {
			c.fail(errorArgs, fmt.Sprintf("No such interface '%s'", iface))
			return
		}
		c.reply(variants(o.interfaces)[iface])
	case "Get ss":
		z.getProperty(c, o, c.Body[0].(string), c.Body[1].(string))
	case "Set ssv":
		z.setProperty(c, o, c.Body[0].(string), c.Body[1].(string), c.Body[2].(dbus.Variant))
	default:
		c.unknown()
	}
}

func (z *BlueZ) getProperty(c *Call, o *Object, iface, name string) {
	value, ok := o.interfaces[iface][name]
	switch {
	case o.interfaces[iface] == nil:
		c.fail(errorArgs, fmt.Sprintf("No such interface '%s'", iface))
	case !ok:
		c.fail(errorArgs, fmt.Sprintf("No such property '%s'", name))
	default:
		c.reply(variant(value))
	}
}

func (z *BlueZ) setProperty(c *Call, o *Object, iface, name string, value dbus.Variant) {
	_, exists := o.interfaces[iface][name]
	kind, ok := writable[iface][name]
	switch {
	case o.interfaces[iface] == nil:
		c.fail(errorArgs, fmt.Sprintf("No such interface '%s'", iface))
	case !ok && !exists:
		c.fail("org.freedesktop.DBus.Error.UnknownProperty", fmt.Sprintf("No such property '%s'", name))
	case !ok:
		c.fail("org.freedesktop.DBus.Error.PropertyReadOnly", fmt.Sprintf("Property '%s' is not writable", name))
	case value.Signature().String() != kind:
		c.fail("org.freedesktop.DBus.Error.InvalidSignature", fmt.Sprintf("Invalid signature for '%s'", name))
	case o.adapter != nil:
		o.adapter.setProperty(c, name, value.Value())
	case o.device != nil:
		o.device.setProperty(c, name, value.Value())
	}
}
