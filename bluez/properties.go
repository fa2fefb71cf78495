package bluez

import (
	"maps"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// AdapterProperties are the state of an adapter at one moment. A property that
// bluetoothd does not have is zero.
type AdapterProperties struct {
	Address rfcomm.BDAddr
	Alias   string        // the name that other devices see
	Class   inquiry.Class // while the adapter is powered on

	Powered bool // switched on
	Blocked bool // switched off by rfkill

	// Discoverable reports whether inquiries find the adapter. A change to true
	// ends after DiscoverableTimeout; zero means that it does not end.
	Discoverable        bool
	DiscoverableTimeout time.Duration

	// Pairable reports whether bluetoothd accepts and stores new pairings. A
	// change to true ends after PairableTimeout; zero means that it does not
	// end.
	Pairable        bool
	PairableTimeout time.Duration

	Discovering bool       // for any program
	Services    []sdp.UUID // of the published records in the public browse group
}

// DeviceProperties are what bluetoothd knows about a device at one moment. A
// property that bluetoothd does not have is zero.
type DeviceProperties struct {
	Address rfcomm.BDAddr

	// AddressType is "public", or "random" for a Bluetooth LE device whose
	// address is not registered. RFCOMM cannot reach the latter.
	AddressType string

	// Name is the name that the device has sent, or empty if it is not known.
	// bluetoothd replaces bytes that are not UTF-8; print it with %q, since it
	// may hold terminal escape sequences.
	Name string

	// Alias is the name that [Device.SetAlias] has set. By default, it is Name
	// or, without one, the address with dashes. Print it with %q.
	Alias string

	Class inquiry.Class // zero for a device that was found over LE alone
	Icon  string        // a name of the freedesktop icons, such as "phone"

	Paired        bool // a link key exists, though it may not be stored
	Bonded        bool // the key is stored; equal to Paired before bluetoothd 5.65
	Trusted       bool // connects to profiles without a question to the agent
	Blocked       bool // cannot connect
	Connected     bool // has a link
	LegacyPairing bool // pairs by a PIN; known after a discovery only

	// RSSI is the signal strength at the device's last answer to a discovery.
	// It is inquiry.RSSIUnknown while no program discovers devices.
	RSSI inquiry.RSSI

	// Services are the classes of services that the device is known to have. The
	// list is complete if ServicesResolved is true. Searches of package sdp do
	// not depend on it.
	Services         []sdp.UUID
	ServicesResolved bool
}

// values are the properties of one interface of an object. Newer and older versions
// of bluetoothd have more or fewer of them.
type values map[string]dbus.Variant

// property returns a property, or the zero value if v does not have it or has it
// with another type.
func property[T any](v values, name string) T {
	value, _ := v[name].Value().(T)
	return value
}

func (v values) address() rfcomm.BDAddr {
	address, err := rfcomm.ParseBDAddr(property[string](v, "Address"))
	if err != nil {
		return rfcomm.BDAddr{}
	}
	return address
}

func (v values) class() inquiry.Class {
	return inquiry.Class(property[uint32](v, "Class"))
}

// noRSSI is the RSSI in a discovery result without one (HCI_RSSI_INVALID).
const noRSSI = 127

func (v values) rssi() inquiry.RSSI {
	rssi, ok := v["RSSI"].Value().(int16)
	if !ok || rssi < -127 || rssi >= noRSSI {
		return inquiry.RSSIUnknown
	}
	return inquiry.RSSI(rssi)
}

// seconds returns a property with a time in seconds.
func (v values) seconds(name string) time.Duration {
	return time.Duration(property[uint32](v, name)) * time.Second
}

// services returns the property UUIDs without those that are malformed.
func (v values) services() (services []sdp.UUID) {
	for _, text := range property[[]string](v, "UUIDs") {
		var u sdp.UUID
		if u.UnmarshalText([]byte(text)) == nil {
			services = append(services, u)
		}
	}
	return services
}

// adapter returns the properties of org.bluez.Adapter1.
func (v values) adapter() AdapterProperties {
	return AdapterProperties{
		Address:             v.address(),
		Alias:               property[string](v, "Alias"),
		Class:               v.class(),
		Powered:             property[bool](v, "Powered"),
		Blocked:             property[string](v, "PowerState") == "off-blocked",
		Discoverable:        property[bool](v, "Discoverable"),
		DiscoverableTimeout: v.seconds("DiscoverableTimeout"),
		Pairable:            property[bool](v, "Pairable"),
		PairableTimeout:     v.seconds("PairableTimeout"),
		Discovering:         property[bool](v, "Discovering"),
		Services:            v.services(),
	}
}

// device returns the properties of org.bluez.Device1.
func (v values) device() DeviceProperties {
	d := DeviceProperties{
		Address:          v.address(),
		AddressType:      property[string](v, "AddressType"),
		Name:             property[string](v, "Name"),
		Alias:            property[string](v, "Alias"),
		Class:            v.class(),
		Icon:             property[string](v, "Icon"),
		Paired:           property[bool](v, "Paired"),
		Bonded:           property[bool](v, "Bonded"),
		Trusted:          property[bool](v, "Trusted"),
		Blocked:          property[bool](v, "Blocked"),
		Connected:        property[bool](v, "Connected"),
		LegacyPairing:    property[bool](v, "LegacyPairing"),
		RSSI:             v.rssi(),
		Services:         v.services(),
		ServicesResolved: property[bool](v, "ServicesResolved"),
	}
	if _, ok := v["Bonded"]; !ok {
		d.Bonded = d.Paired
	}
	return d
}

// change changes properties, and removes those that have become invalid.
func (v values) change(changed values, invalidated []string) {
	maps.Copy(v, changed)
	for _, name := range invalidated {
		delete(v, name)
	}
}
