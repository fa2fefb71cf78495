package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// lookupDuration is the duration of a scan for a name that no known device has.
const lookupDuration = 8 * time.Second

// resolve returns the device and the service of a target. A name must be that of
// exactly one device among the paired and recently found ones or, if none of them
// has it, among those that a scan finds.
func (t *tool) resolve(ctx context.Context, l *link, text string) (rfcomm.BDAddr, service, error) {
	parsed, err := parseTarget(text)
	if err != nil || !parsed.device.IsZero() {
		return parsed.device, parsed.service, err
	}
	device, s, err := namedTarget(t.knownDevices(ctx), text)
	if err != nil || !device.IsZero() {
		return device, s, err
	}
	if err := l.refuseHostPort(text); err != nil {
		return rfcomm.BDAddr{}, service{}, err
	}
	t.note("No paired or recently found device has the name %q; scanning for %s …", text, lookupDuration)
	found, err := t.scan(ctx, l, lookupDuration, nil)
	if err != nil {
		return rfcomm.BDAddr{}, service{}, err
	}
	device, s, err = namedTarget(knownOf(found), text)
	if err == nil && device.IsZero() {
		err = notFoundError{fmt.Errorf("no device in range has the name %q: make it discoverable, or use its address", text)}
	}
	return device, s, err
}

// namedTarget returns the device with the name and the service of a target, or
// zero if there is none. A slash belongs to the name if a device has that name.
// It returns an error for an unknown service of one of the devices.
func namedTarget(devices []knownDevice, text string) (rfcomm.BDAddr, service, error) {
	if device, err := onlyOne(named(devices, text), text); err != nil || !device.IsZero() {
		return device, service{}, err
	}
	name, s, unknown := splitName(text)
	device, err := onlyOne(named(devices, name), name)
	if err == nil && !device.IsZero() {
		err = unknown
	}
	return device, s, err
}

// onlyOne returns the address of the only device, or zero if there is none.
func onlyOne(devices []knownDevice, name string) (rfcomm.BDAddr, error) {
	var addresses []string
	for _, d := range devices {
		addresses = append(addresses, d.address.String())
	}
	switch len(devices) {
	case 0:
		return rfcomm.BDAddr{}, nil
	case 1:
		return devices[0].address, nil
	}
	return rfcomm.BDAddr{}, notFoundError{fmt.Errorf("several devices have the name %q: use one of the addresses %s",
		name, strings.Join(addresses, ", "))}
}

// named returns the devices with a name, in any case. The name may be written
// with the escapes that a scan prints.
func named(devices []knownDevice, name string) (same []knownDevice) {
	for _, d := range devices {
		if d.name != "" && (strings.EqualFold(d.name, name) || strings.EqualFold(printable(d.name), name)) {
			same = append(same, d)
		}
	}
	return same
}
