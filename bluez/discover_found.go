package bluez

import (
	"maps"
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/inquiry"
)

// A foundTable collects the properties of an adapter's devices, and queues the
// devices that answer a discovery.
type foundTable struct {
	options *DiscoverOptions
	queued  chan struct{} // receives after a device was queued
	named   chan struct{} // receives after a name became known

	mu      sync.Mutex
	devices map[dbus.ObjectPath]*foundDevice
	queue   []*foundDevice
}

// A foundDevice is a device with the properties that bluetoothd has sent.
type foundDevice struct {
	values
	answered bool         // has had an RSSI
	rssi     inquiry.RSSI // the last one
	returned bool         // has been in the queue
	last     inquiry.Device
	waiting  bool // in the queue
}

func newFoundTable(o *DiscoverOptions) *foundTable {
	return &foundTable{
		options: o,
		queued:  make(chan struct{}, 1),
		named:   make(chan struct{}, 1),
		devices: make(map[dbus.ObjectPath]*foundDevice),
	}
}

// add adds a device, or replaces all of its properties.
func (t *foundTable) add(path dbus.ObjectPath, all values) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, ok := t.devices[path]
	if !ok {
		d = &foundDevice{rssi: inquiry.RSSIUnknown}
		t.devices[path] = d
	}
	d.values = maps.Clone(all)
	t.changed(d)
}

// change changes properties of a device that was added.
func (t *foundTable) change(path dbus.ObjectPath, changed values, invalidated []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, ok := t.devices[path]
	if !ok {
		return
	}
	d.values.change(changed, invalidated)
	t.changed(d)
}

// changed queues a device if it has answered and its facts are news.
func (t *foundTable) changed(d *foundDevice) {
	if _, ok := d.values["RSSI"]; ok {
		d.answered = true
		d.rssi = d.values.rssi()
	}
	if !d.answered || d.onlyLE() {
		return
	}
	now := d.device()
	if now.Name != "" && d.last.Name == "" {
		offer(t.named, struct{}{})
	}
	known := d.returned && now.Name == d.last.Name && now.Class == d.last.Class &&
		(now.RSSI == d.last.RSSI || d.last.RSSI != inquiry.RSSIUnknown)
	if known || !t.options.matches(now, d.services()) {
		return
	}
	d.returned, d.last = true, now
	if !d.waiting {
		d.waiting = true
		t.queue = append(t.queue, d)
	}
	offer(t.queued, struct{}{})
}

// device returns what is known about the device.
func (d *foundDevice) device() inquiry.Device {
	return inquiry.Device{Addr: d.address(), Name: property[string](d.values, "Name"), Class: d.class(), RSSI: d.rssi}
}

// breDRNotSupported is the flag of a device that only supports LE (Core
// Specification Supplement, Part A, section 1.3).
const breDRNotSupported = 1 << 2

// onlyLE reports whether the device does not support BR/EDR. A device that was
// found over BR/EDR and has no class looks like an LE device with a public
// address, so bluetoothd does not distinguish all of them.
func (d *foundDevice) onlyLE() bool {
	if d.class() != 0 {
		return false
	}
	flags := property[[]byte](d.values, "AdvertisingFlags")
	return property[string](d.values, "AddressType") == "random" || len(flags) > 0 && flags[0]&breDRNotSupported != 0
}

// take removes the first device from the queue.
func (t *foundTable) take() (device inquiry.Device, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return inquiry.Device{}, false
	}
	d := t.queue[0]
	t.queue = t.queue[1:]
	d.waiting = false
	return d.last, true
}

func (t *foundTable) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.queue) == 0
}

// nameless reports whether the name of a device that has answered is missing.
func (t *foundTable) nameless() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(slices.Collect(maps.Values(t.devices)), func(d *foundDevice) bool {
		return d.answered && !d.onlyLE() && property[string](d.values, "Name") == ""
	})
}
