package bluez

import (
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
)

// discoverEvents keeps the table of a discovery up to date.
type discoverEvents struct {
	found   *foundTable
	address rfcomm.BDAddr // of the adapter
	adapter entry
	lost    chan error // capacity 1; receives the reason for which the adapter is of no use
}

// begin finds the adapter, and adds its devices.
func (s *discoverEvents) begin(t tree) {
	var err error
	if s.adapter, err = t.findAdapter(s.address); err != nil {
		s.lose(err)
		return
	}
	for _, e := range t.devices() {
		s.add(e.path, e.values)
	}
}

// add adds a device if it is one of the adapter.
func (s *discoverEvents) add(path dbus.ObjectPath, all values) {
	if (entry{path, all}).adapterPath() == s.adapter.path {
		s.found.add(path, all)
	}
}

// apply applies an event.
func (s *discoverEvents) apply(e event) {
	switch e.kind {
	case snapshot:
		s.begin(e.objects)
	case interfacesAdded:
		if all, ok := e.added[deviceInterface]; ok {
			s.add(e.path, all)
		}
	case propertiesChanged:
		s.applyChange(e)
	case interfacesRemoved:
		if e.path == s.adapter.path && slices.Contains(e.removed, adapterInterface) {
			s.lose(&narrower{"the adapter has been removed", ErrNoAdapter})
		}
	case daemonGone:
		s.lose(ErrNoDaemon)
	case busGone:
		s.lose(errBusEnded)
	}
}

// applyChange applies changed properties.
func (s *discoverEvents) applyChange(e event) {
	if e.iface == deviceInterface {
		s.found.change(e.path, e.changed, e.invalidated)
		return
	}
	if e.iface != adapterInterface || e.path != s.adapter.path {
		return
	}
	if on, ok := e.changed["Powered"].Value().(bool); ok && !on {
		s.lose(powerOff(opDiscover, e.path))
	}
}

// lose reports an error unless one was reported.
func (s *discoverEvents) lose(err error) { offer(s.lost, err) }

// offer sends to a channel unless it is full.
func offer[T any](c chan<- T, value T) {
	select {
	case c <- value:
	default:
	}
}
