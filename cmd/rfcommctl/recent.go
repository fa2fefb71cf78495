package main

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// Limits of the list of recently found devices.
const (
	recentAge   = 7 * 24 * time.Hour // older entries are forgotten
	recentCount = 200                // the oldest of more entries are forgotten
	recentSize  = 1 << 20            // a larger file is not the program's
)

// A recentDevice is a device that a scan has found.
type recentDevice struct {
	Address rfcomm.BDAddr `json:"address"`
	Name    string        `json:"name,omitempty"`
	Seen    time.Time     `json:"seen"`
}

// A recentList is the list of recently found devices, in a file of the user's
// cache directory. An empty path is a list that is always empty.
type recentList struct {
	path string
	now  func() time.Time
}

// recentPath returns the file of the list of recently found devices, or "" if
// the user has no cache directory.
func recentPath() string {
	directory, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(directory, "rfcommctl", "devices.json")
}

// devices returns the devices, the one seen last first. A file that is missing
// or damaged is an empty list: a scan writes a new one.
func (l recentList) devices() []recentDevice {
	if l.path == "" {
		return nil
	}
	info, err := os.Stat(l.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > recentSize {
		return nil
	}
	text, err := os.ReadFile(l.path)
	if err != nil {
		return nil
	}
	var devices []recentDevice
	if json.Unmarshal(text, &devices) != nil {
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
	return replaceFile(l.path, append(text, '\n'))
}

// replaceFile writes a file, readable by this user alone, as a whole: another
// process sees the old or the new content.
func replaceFile(path string, content []byte) error {
	directory := filepath.Dir(path)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(directory, ".devices-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err := cmp.Or(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
