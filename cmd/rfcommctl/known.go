package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

// knownTime limits the time in which bluetoothd must list its devices. Without
// an answer, a command uses the list of recently found devices alone.
const knownTime = 5 * time.Second

// A knownDevice is a device that bluetoothd or a scan has found.
type knownDevice struct {
	address rfcomm.BDAddr
	name    string
	paired  bool // its key is stored
}

// knownDevices returns the devices that bluetoothd knows, the paired ones first,
// and then the other recently found ones.
func (t *tool) knownDevices(ctx context.Context) []knownDevice {
	devices, err := t.listKnown(ctx)
	if err != nil {
		t.detail("cannot list the paired devices: %v", err)
	}
	return devices
}

// listKnown returns the devices of knownDevices, and the error of bluetoothd.
func (t *tool) listKnown(ctx context.Context) ([]knownDevice, error) {
	ctx, cancel := context.WithTimeout(ctx, knownTime)
	defer cancel()
	devices, err := t.known(ctx)
	slices.SortStableFunc(devices, func(a, b knownDevice) int {
		switch {
		case a.paired == b.paired:
			return 0
		case a.paired:
			return -1
		}
		return 1
	})
	var all []knownDevice
	for _, d := range devices {
		all = addKnown(all, d)
	}
	for _, d := range knownOf(t.recent.devices()) {
		all = addKnown(all, d)
	}
	return all, err
}

// knownOf returns the devices of a scan.
func knownOf(found []recentDevice) (known []knownDevice) {
	for _, d := range found {
		known = append(known, knownDevice{address: d.Address, name: d.Name})
	}
	return known
}

// addKnown adds a device, or the name of one that is in the list without it: two
// adapters can know a device.
func addKnown(devices []knownDevice, d knownDevice) []knownDevice {
	i := slices.IndexFunc(devices, func(other knownDevice) bool { return other.address == d.address })
	if i < 0 {
		return append(devices, d)
	}
	if devices[i].name == "" {
		devices[i].name = d.name
	}
	return devices
}

// nameOf returns the address of a device, and its name if it is known.
func (t *tool) nameOf(ctx context.Context, device rfcomm.BDAddr) string {
	for _, d := range t.knownDevices(ctx) {
		if d.address == device && d.name != "" {
			return fmt.Sprintf("%s (%s)", device, d.name)
		}
	}
	return device.String()
}

// resolveKnown returns the adapter of the flag, or zero, and the device with an
// address or a name. It does not scan for names: the commands that use it need a
// device that bluetoothd knows.
func (t *tool) resolveKnown(c *cobra.Command, l *link, word string) (adapter, device rfcomm.BDAddr, err error) {
	parsed, err := parseTarget(word)
	device, s := parsed.device, parsed.service
	if err == nil && device.IsZero() {
		known, failed := t.listKnown(c.Context())
		if device, s, err = namedTarget(known, word); err == nil && device.IsZero() {
			err = cmp.Or(l.refuseHostPort(word), failed)
		}
	}
	if err == nil && device.IsZero() {
		err = notFoundError{fmt.Errorf("no paired or recently found device has the name %q: use its address", word)}
	}
	if err == nil {
		err = deviceOnly(c, s, word)
	}
	if err == nil {
		adapter, err = t.adapterAddress(l.adapter)
	}
	return adapter, device, err
}

// deviceOnly returns an error if a target has a service, which the command does
// not take.
func deviceOnly(c *cobra.Command, s service, word string) error {
	if s.isZero() {
		return nil
	}
	return usageError{fmt.Errorf("%s has a service: %s takes a device", word, c.Name())}
}
