// Package bluezcalls holds calls of bluetoothd with the errors that it answers with. A
// test in the lab makes the calls to the real bluetoothd, and a test of
// bluez/internal/fakebus to the fake one, so that tests on the fake one hold for the
// real one.
package bluezcalls

import "strings"

// A Call is a call of bluetoothd, or the end of a client.
type Call struct {
	Client    string `json:"client"`    // a name for a connection to the bus
	Path      string `json:"path"`      // Adapter and Device stand for the paths of the objects
	Method    string `json:"method"`    // with its interface; empty: the client disconnects
	Signature string `json:"signature"` // of the arguments
	Args      []any  `json:"args"`      // strings, Variants and maps of Variants
	Want      string `json:"-"`         // name and text of the error, or empty
}

// A Variant is a value of the D-Bus type VARIANT.
type Variant struct {
	Type  string `json:"type"` // of the value: s, b, i, q or n
	Value any    `json:"value"`
}

// Adapter and Device stand for the paths of an adapter and a device in Calls.
const (
	Adapter = "/ADAPTER"
	Device  = "/DEVICE"
)

// Replace returns the calls with the paths of the objects.
func Replace(calls []Call, adapter, device string) []Call {
	r := strings.NewReplacer(Adapter, adapter, Device, device)
	replaced := make([]Call, len(calls))
	for i, c := range calls {
		replaced[i] = c
		replaced[i].Path = r.Replace(c.Path)
		replaced[i].Args = nil
		for _, arg := range c.Args {
			if text, ok := arg.(string); ok {
				arg = r.Replace(text)
			}
			replaced[i].Args = append(replaced[i].Args, arg)
		}
	}
	return replaced
}

const (
	adapter1  = "org.bluez.Adapter1"
	device1   = "org.bluez.Device1"
	agents    = "org.bluez.AgentManager1"
	profiles  = "org.bluez.ProfileManager1"
	dbusProps = "org.freedesktop.DBus.Properties"

	dbusError  = "org.freedesktop.DBus.Error."
	bluezError = "org.bluez.Error."

	serialPort = "00001101-0000-1000-8000-00805f9b34fb"
	vendor     = "6c1a9d3c-b152-4a6b-9e10-0d5a5a257109"
)

// unknown is the answer to a call of a method that does not exist.
func unknown(what, method, signature, iface string) string {
	return dbusError + what + ": Method \"" + method + "\" with signature \"" + signature + "\" on interface \"" + iface + "\" doesn't exist\n"
}

// call returns a call of the first client.
func call(path, method, signature, want string, args ...any) Call {
	return Call{Client: "a", Path: path, Method: method, Signature: signature, Args: args, Want: want}
}

// by returns a call of another client.
func by(client string, c Call) Call {
	c.Client = client
	return c
}

// Objects are calls of methods and properties that do not exist or have other types.
// The adapter is on, and the device is in range and not paired.
func Objects() []Call {
	return []Call{
		call(Device, dbusProps+".Get", "ss", "", device1, "Address"),
		call(Device, dbusProps+".Get", "ss", dbusError+"InvalidArgs: No such property 'TxPower'", device1, "TxPower"),
		call(Device, dbusProps+".Get", "ss", dbusError+"InvalidArgs: No such property 'Nothing'", device1, "Nothing"),
		call(Device, dbusProps+".Get", "ss", dbusError+"InvalidArgs: No such interface '"+adapter1+"'", adapter1, "Address"),
		call(Device, dbusProps+".GetAll", "s", "", device1),
		call(Device, dbusProps+".GetAll", "s", dbusError+"InvalidArgs: No such interface 'x.y'", "x.y"),
		call(Device, dbusProps+".Set", "ssv", dbusError+"PropertyReadOnly: Property 'Paired' is not writable", device1, "Paired", Variant{"b", true}),
		call(Device, dbusProps+".Set", "ssv", dbusError+"InvalidSignature: Invalid signature for 'Trusted'", device1, "Trusted", Variant{"s", "x"}),
		call(Device, dbusProps+".Set", "ssv", dbusError+"UnknownProperty: No such property 'Nothing'", device1, "Nothing", Variant{"s", "x"}),
		call(Device, device1+".Nothing", "", unknown("UnknownMethod", "Nothing", "", device1)),
		call(Device, device1+".Pair", "s", unknown("UnknownMethod", "Pair", "s", device1), "x"),
		call(Device, adapter1+".StartDiscovery", "", unknown("UnknownMethod", "StartDiscovery", "", adapter1)),
		call("/org/bluez/hci99", device1+".Pair", "", unknown("UnknownObject", "Pair", "", device1)),
		call(Adapter, adapter1+".RemoveDevice", "o", bluezError+"DoesNotExist: Does Not Exist", "/x"),
		call(Adapter, adapter1+".RemoveDevice", "s", unknown("UnknownMethod", "RemoveDevice", "s", adapter1), "/x"),
	}
}

// Discovery are calls of the methods for discoveries.
func Discovery() []Call {
	transport := func(v Variant) map[string]Variant { return map[string]Variant{"Transport": v} }
	busy := bluezError + "InProgress: Operation already in progress"
	none := bluezError + "Failed: No discovery started"
	return []Call{
		call(Adapter, adapter1+".StopDiscovery", "", none),
		call(Adapter, adapter1+".SetDiscoveryFilter", "a{sv}", bluezError+"InvalidArguments: Invalid arguments in method call", transport(Variant{"i", 1})),
		call(Adapter, adapter1+".SetDiscoveryFilter", "a{sv}", "", transport(Variant{"s", "bredr"})),
		call(Adapter, adapter1+".StartDiscovery", "", ""),
		call(Adapter, adapter1+".StartDiscovery", "", busy),
		by("b", call(Adapter, adapter1+".StartDiscovery", "", "")),
		call(Adapter, adapter1+".StopDiscovery", "", ""),
		call(Adapter, adapter1+".StopDiscovery", "", none),
		by("b", Call{}),
	}
}

// Profiles are calls of RegisterProfile and UnregisterProfile.
func Profiles() []Call {
	none := map[string]Variant{}
	register := func(want, path, uuid string, options map[string]Variant) Call {
		return call("/org/bluez", profiles+".RegisterProfile", "osa{sv}", want, path, uuid, options)
	}
	unregister := func(want, path string) Call {
		return call("/org/bluez", profiles+".UnregisterProfile", "o", want, path)
	}
	taken := bluezError + "NotPermitted: UUID already registered"
	invalid := bluezError + "InvalidArguments: Invalid arguments in method call"
	missing := bluezError + "DoesNotExist: Does Not Exist"
	return []Call{
		register("", "/p1", "spp", none),
		register(bluezError+"AlreadyExists: Already Exists", "/p1", vendor, none),
		by("b", register(taken, "/p1", serialPort, none)),
		by("b", register("", "/p1", "00001101-0000-1000-8000-00805F9B34FB", none)), // the comparison is one of text
		by("b", register(invalid, "/p2", "x", none)),
		by("b", register("", "/p2", vendor, map[string]Variant{"Service": {"s", "1105"}, "Channel": {"i", 5}, "Nothing": {"b", true}})),
		register("", "/p2", vendor, none), // b has registered it for another Service
		call("/org/bluez", profiles+".RegisterProfile", "os", unknown("UnknownMethod", "RegisterProfile", "os", profiles), "/p3", vendor),
		by("b", unregister(missing, "/p3")),
		unregister("", "/p1"),
		unregister(missing, "/p1"),
		by("b", Call{}),
		by("c", register("", "/p1", serialPort, none)),
		by("c", Call{}),
	}
}

// Agents are calls of the methods for agents.
func Agents() []Call {
	register := func(want, capability string) Call {
		return call("/org/bluez", agents+".RegisterAgent", "os", want, "/a1", capability)
	}
	other := func(method, want, path string) Call { return call("/org/bluez", agents+"."+method, "o", want, path) }
	missing := bluezError + "DoesNotExist: Does Not Exist"
	return []Call{
		other("RequestDefaultAgent", missing, "/a1"),
		other("UnregisterAgent", missing, "/a1"),
		register(bluezError+"InvalidArguments: Invalid arguments in method call", "Nonsense"),
		register("", ""),
		register(bluezError+"AlreadyExists: Already Exists", "DisplayOnly"),
		other("RequestDefaultAgent", missing, "/a2"),
		other("RequestDefaultAgent", "", "/a1"),
		other("UnregisterAgent", missing, "/a2"),
		other("UnregisterAgent", "", "/a1"),
		by("a", Call{}),
	}
}

// Devices are calls of methods of the device, up to its removal, with the adapter off
// in between.
func Devices() []Call {
	power := func(on bool) Call {
		return call(Adapter, dbusProps+".Set", "ssv", "", adapter1, "Powered", Variant{"b", on})
	}
	notReady := bluezError + "NotReady: Resource Not Ready"
	return []Call{
		call(Device, dbusProps+".Set", "ssv", "", device1, "Trusted", Variant{"b", true}), // so that bluetoothd keeps it after the disconnect
		call(Device, device1+".CancelPairing", "", bluezError+"DoesNotExist: Does Not Exist"),
		call(Device, device1+".DisconnectProfile", "s", bluezError+"InvalidArguments: Invalid arguments in method call", vendor),
		call(Device, device1+".ConnectProfile", "s", bluezError+"NotAvailable: br-connection-profile-unavailable", vendor),
		call(Device, device1+".Disconnect", "", ""),
		power(false),
		power(false),
		call(Adapter, adapter1+".StartDiscovery", "", notReady),
		call(Adapter, adapter1+".StopDiscovery", "", notReady),
		call(Adapter, adapter1+".SetDiscoveryFilter", "a{sv}", notReady, map[string]Variant{"Transport": {"i", 1}}),
		call(Adapter, dbusProps+".Set", "ssv", bluezError+"Failed: Not Powered", adapter1, "Discoverable", Variant{"b", true}),
		call(Adapter, adapter1+".RemoveDevice", "o", notReady, Device),
		call(Device, device1+".ConnectProfile", "s", bluezError+"NotReady: br-connection-adapter-not-powered", vendor),
		call(Device, device1+".Pair", "", bluezError+"AuthenticationFailed: Authentication Failed"),
		power(true),
		call(Adapter, adapter1+".RemoveDevice", "o", "", Device),
		call(Adapter, adapter1+".RemoveDevice", "o", bluezError+"DoesNotExist: Does Not Exist", Device),
		call(Device, dbusProps+".Get", "ss", unknown("UnknownObject", "Get", "ss", dbusProps), device1, "Address"),
		by("a", Call{}),
	}
}

// All returns the calls of all lists, in the order in which they are made.
func All() []Call {
	all := Objects()
	for _, calls := range [][]Call{Discovery(), Profiles(), Agents(), Devices()} {
		all = append(all, calls...)
	}
	return all
}
