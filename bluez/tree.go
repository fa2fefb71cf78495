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

// A missingError is the error for an object that bluetoothd does not have, or not
// any more. It matches [ErrGone].
type missingError struct{ text string }

func (e *missingError) Error() string { return "bluez: " + e.text }

// Is reports whether target is ErrGone.
func (e *missingError) Is(target error) bool { return target == ErrGone }

// missingAdapter returns the error for an adapter that bluetoothd does not have.
func missingAdapter(address rfcomm.BDAddr, all []entry) error {
	if len(all) == 0 {
		return &missingError{"bluetoothd has no Bluetooth adapter; plug one in, or check that the kernel lists one (rfcommctl adapters)"}
	}
	var names []string
	for _, e := range all {
		names = append(names, fmt.Sprintf("%s (%s)", e.address(), path.Base(string(e.path))))
	}
	return &missingError{fmt.Sprintf("no adapter %s; bluetoothd has %s", address, strings.Join(names, ", "))}
}
