package main

import (
	"iter"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
)

// A scanned collects the devices of a scan. A device can be found several times,
// the first time often without its name.
type scanned struct {
	print   func(inquiry.Device) error // or nil
	devices map[rfcomm.BDAddr]*scannedDevice
	order   []*scannedDevice
}

type scannedDevice struct {
	inquiry.Device
	printed bool
}

// collect adds all devices, and prints each once.
func (s *scanned) collect(devices iter.Seq2[inquiry.Device, error]) error {
	var ended error
	for d, err := range devices {
		if err != nil {
			ended = err
			break
		}
		if err := s.add(d); err != nil {
			return err
		}
	}
	for _, d := range s.order {
		if err := s.show(d); err != nil {
			return err
		}
	}
	return ended
}

// add adds a device, or what became known about it, and prints it if it has a
// name.
func (s *scanned) add(d inquiry.Device) error {
	known := s.devices[d.Addr]
	if known == nil {
		known = new(scannedDevice)
		s.devices[d.Addr] = known
		s.order = append(s.order, known)
	}
	known.Device = d
	if d.Name == "" {
		return nil
	}
	return s.show(known)
}

// show prints a device, unless it was printed before.
func (s *scanned) show(d *scannedDevice) error {
	if d.printed || s.print == nil {
		return nil
	}
	d.printed = true
	return s.print(d.Device)
}

// recent returns the devices for the list of recently found ones.
func (s *scanned) recent(now time.Time) (found []recentDevice) {
	for _, d := range s.order {
		found = append(found, recentDevice{d.Addr, d.Name, now})
	}
	return found
}
