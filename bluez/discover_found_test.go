package bluez

import (
	"slices"
	"testing"

	"github.com/godbus/dbus/v5"
)

// takeAll takes all devices from the queue.
func (t *foundTable) takeAll() (texts []string) {
	for {
		d, ok := t.take()
		if !ok {
			return texts
		}
		texts = append(texts, d.String())
	}
}

// A device is queued when it answers and when there is news about it, once for all
// news.
func TestFoundTableQueuesNews(t *testing.T) {
	const path, other = dbus.ObjectPath("/a"), dbus.ObjectPath("/b")
	table := newFoundTable(new(DiscoverOptions))
	want := func(what string, want ...string) {
		t.Helper()
		if got := table.takeAll(); !slices.Equal(got, want) {
			t.Errorf("%s: queued %q, want %q", what, got, want)
		}
	}
	change := func(path dbus.ObjectPath, changed map[string]any, invalidated ...string) {
		table.change(path, valuesOf(changed), invalidated)
	}
	table.add(path, valuesOf(map[string]any{"Address": phoneText, "Name": "old", "Paired": true}))
	want("known")
	change(path, map[string]any{"RSSI": int16(noRSSI)})
	want("answered without RSSI", phoneText+` "old"`)
	change(path, map[string]any{"RSSI": int16(-70)})
	want("with RSSI", phoneText+` "old" -70 dBm`)
	change(path, map[string]any{"RSSI": int16(-40)})
	want("with another RSSI")
	change(path, nil, "RSSI")
	want("after the discovery")
	change(path, map[string]any{"Name": "n1"})
	change(other, map[string]any{"RSSI": int16(-1)}) // unknown object
	table.add(other, valuesOf(map[string]any{"Address": nearText, "RSSI": int16(-1)}))
	change(path, map[string]any{"Name": "n2", "Class": uint32(0x5a020c), "Icon": "phone"})
	want("coalesced", phoneText+` "n2" Phone (Smartphone) -40 dBm`, nearText+` -1 dBm`)
	change(path, map[string]any{"Name": "n2", "Trusted": true})
	want("no news")
	table.add(path, valuesOf(map[string]any{"Address": phoneText, "RSSI": int16(-50)}))
	want("removed and found again", phoneText+` -50 dBm`)
	if !table.nameless() {
		t.Error("nameless is false")
	}
	change(path, map[string]any{"Name": "x"})
	change(other, map[string]any{"Name": "y"})
	if table.nameless() {
		t.Error("nameless is true")
	}
}

const nearText, phoneText = "00:AA:01:00:00:00", "00:AA:01:00:00:42"
