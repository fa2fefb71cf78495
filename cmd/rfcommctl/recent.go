package main

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// Limits of the list of recently found devices.
const (
	recentAge   = 7 * 24 * time.Hour // older entries are forgotten
	recentCount = 200                // the oldest of more entries are forgotten
)

// A recentDevice is a device that a scan has found.
type recentDevice struct {
	Address rfcomm.BDAddr `json:"address"`
	Name    string        `json:"name,omitempty"`
	Seen    time.Time     `json:"seen"`
}

// A recentList is the list of recently found devices.
type recentList struct{ cacheFile }

// devices returns the devices, the one seen last first. A file that is missing
// or damaged is an empty list: a scan writes a new one.
func (l recentList) devices() []recentDevice {
	var devices []recentDevice
	if json.Unmarshal(l.read(), &devices) != nil {
		return nil
	}
	return l.current(devices)
}

// current returns the devices without those that are too old, too many, or seen
// in the future, and each address once.
func (l recentList) current(devices []recentDevice) []recentDevice {
	now := l.now()
	devices = slices.DeleteFunc(devices, func(d recentDevice) bool {
		return d.Address.IsZero() || d.Seen.After(now) || now.Sub(d.Seen) > recentAge
	})
	slices.SortStableFunc(devices, func(a, b recentDevice) int { return b.Seen.Compare(a.Seen) })
	known := make(map[rfcomm.BDAddr]bool)
	devices = slices.DeleteFunc(devices, func(d recentDevice) bool {
		before := known[d.Address]
		known[d.Address] = true
		return before
	})
	return devices[:min(len(devices), recentCount)]
}

// add adds found devices to the list. A device without a name keeps the name
// that it had: names are sometimes not received.
func (l recentList) add(found []recentDevice) error {
	if l.path == "" || len(found) == 0 {
		return nil
	}
	before := l.devices()
	for i, device := range found {
		found[i].Name = strings.ToValidUTF8(device.Name, "\ufffd")
		for _, old := range before {
			if old.Address == device.Address {
				found[i].Name = cmp.Or(found[i].Name, old.Name)
			}
		}
	}
	text, err := json.Marshal(l.current(append(found, before...)))
	if err != nil {
		return err
	}
	return l.replace(append(text, '\n'))
}
