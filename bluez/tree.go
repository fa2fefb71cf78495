package bluez

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
)

// A tree holds the objects of bluetoothd with their properties by interface.
type tree map[dbus.ObjectPath]map[string]map[string]dbus.Variant

// An entry is an adapter or a device with its properties.
type entry struct {
	path dbus.ObjectPath
	values
}

// adapterPath returns the path of the adapter of a device's object.
func (e entry) adapterPath() dbus.ObjectPath {
	return property[dbus.ObjectPath](e.values, "Adapter")
}

func (c *Client) tree(ctx context.Context) (tree, error) {
	objects, err := c.objects(ctx)
	return tree(objects), err
}

func (t tree) adapters() []entry { return t.with(adapterInterface) }

func (t tree) devices() []entry { return t.with(deviceInterface) }

// with returns the objects that have an interface, in the order of their paths,
// in which hci2 is less than hci10.
func (t tree) with(iface string) (entries []entry) {
	byLength := func(a, b dbus.ObjectPath) int {
		return cmp.Or(len(a)-len(b), strings.Compare(string(a), string(b)))
	}
	for _, p := range slices.SortedFunc(maps.Keys(t), byLength) {
		if found, ok := t[p][iface]; ok {
			entries = append(entries, entry{p, found})
		}
	}
	return entries
}

// findAdapter returns the adapter with an address, or the default one if the
// address is zero.
func (t tree) findAdapter(address rfcomm.BDAddr) (entry, error) {
	all := t.adapters()
	i := slices.IndexFunc(all, func(e entry) bool { return e.address() == address })
	if address.IsZero() && len(all) > 0 {
		i = max(0, slices.IndexFunc(all, func(e entry) bool { return property[bool](e.values, "Powered") }))
	}
	if i < 0 {
		return entry{}, missingAdapter(address, all)
	}
	return all[i], nil
}

// findDevice returns a device of the adapter with an address.
func (t tree) findDevice(adapter, address rfcomm.BDAddr) (entry, error) {
	a, err := t.findAdapter(adapter)
	if err != nil {
		return entry{}, err
	}
	for _, e := range t.devices() {
		if e.address() == address && e.adapterPath() == a.path {
			return e, nil
		}
	}
	return entry{}, unknownDevice(address)
}

// missingAdapter returns the error for an adapter that bluetoothd does not have.
func missingAdapter(address rfcomm.BDAddr, all []entry) error {
	op := "find the adapter"
	if !address.IsZero() {
		op += " " + address.String()
	}
	if len(all) == 0 {
		return &Error{Op: op, Err: ErrNoAdapter}
	}
	var names []string
	for _, e := range all {
		names = append(names, fmt.Sprintf("%s (%s)", e.address(), path.Base(string(e.path))))
	}
	return &Error{Op: op, Err: &narrower{"bluetoothd has " + strings.Join(names, ", ") + " only", ErrNoAdapter}}
}

// unknownDevice returns the error for a device without an object.
func unknownDevice(address rfcomm.BDAddr) error {
	return &Error{Op: "find the device " + address.String(), Err: &narrower{
		"bluetoothd does not know it, or has forgotten it after 30 s without pairing: discover the device again", ErrGone}}
}

// powerOff returns the error for an adapter that is switched off.
func powerOff(op string, path dbus.ObjectPath) error {
	e := &Error{Op: op, Object: describe(path), Err: ErrPowerOff}
	if rfkilled(path) {
		e.Err = ErrBlocked
	}
	return e
}
