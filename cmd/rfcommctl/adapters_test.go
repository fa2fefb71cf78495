package main

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

func TestAdaptersPrintsStates(t *testing.T) {
	f := newFake(t)
	f.adapterList = []rfcomm.Adapter{
		{Name: "hci0", Addr: adapterAddr, Up: true, PageScan: true, InquiryScan: true},
		{Name: "hci1", Addr: printerAddr, Up: true},
		{Name: "hci2", Addr: scannerAddr},
		{Name: "hci3"},
	}
	f.host.root = fstest.MapFS{
		"sys/class/bluetooth/hci2/rfkill7/soft": {Data: []byte("1\n")},
		"sys/class/bluetooth/hci2/rfkill7/hard": {Data: []byte("1\n")},
		"sys/class/bluetooth/hci1/rfkill6/soft": {Data: []byte("0\n")},
		"sys/class/bluetooth/hci1/rfkill6/hard": {Data: []byte("0\n")},
	}
	stdout, stderr := f.runs(t, 0, "adapters")
	const want = `hci0  00:AA:01:00:00:00  up, connectable, discoverable
hci1  00:AA:01:00:00:01  up, not connectable, not discoverable
      no device can connect to it, only from here: rfcommctl adapters -i hci1 --discoverable 3m
hci2  00:AA:01:00:00:02  down
      a switch of this machine blocks it (rfkill): use the switch, or the key for airplane mode
      it is blocked (rfkill): rfkill unblock bluetooth
hci3  00:00:00:00:00:00  down
      it is off: rfcommctl adapters -i hci3 --power on
`
	if stdout != want || stderr != "" {
		t.Errorf("got\n%s%s\nwant\n%s", stdout, stderr, want)
	}
	stdout, _ = f.runs(t, 0, "adapters", "--json")
	wantJSON(t, stdout,
		`{"name":"hci0","address":"00:AA:01:00:00:00","up":true,"page_scan":true,"inquiry_scan":true,"problems":[]}`,
		`{"name":"hci1","address":"00:AA:01:00:00:01","up":true,"page_scan":false,"inquiry_scan":false,"problems":["no device can connect to it, only from here: rfcommctl adapters -i hci1 --discoverable 3m"]}`,
		`{"name":"hci2","address":"00:AA:01:00:00:02","up":false,"page_scan":false,"inquiry_scan":false,"problems":["a switch of this machine blocks it (rfkill): use the switch, or the key for airplane mode","it is blocked (rfkill): rfkill unblock bluetooth"]}`,
		`{"name":"hci3","address":"00:00:00:00:00:00","up":false,"page_scan":false,"inquiry_scan":false,"problems":["it is off: rfcommctl adapters -i hci3 --power on"]}`,
	)
	for _, name := range []string{"hci1", "00:aa:01:00:00:01", "00-AA-01-00-00-01"} {
		stdout, _ = f.runs(t, 0, "adapters", "-i", name, "--json")
		wantParts(t, stdout, `{"name":"hci1"`)
	}
}

func TestAdaptersNamesMissingAdapters(t *testing.T) {
	f := newFake(t)
	_, stderr := f.runs(t, statusNotFound, "adapters", "--adapter", "hci1")
	wantError(t, stderr, `"hci1"`, "hci0 (00:AA:01:00:00:00)")
	f.adapterList = nil
	_, stderr = f.runs(t, statusNotFound, "adapters")
	wantError(t, stderr, "no Bluetooth adapter", "modprobe")
	_, stderr = f.runs(t, statusNotFound, "scan", "-i", "hci0")
	wantError(t, stderr, "no Bluetooth adapter")
	f.err = opError(syscall.EAFNOSUPPORT)
	_, stderr = f.runs(t, statusOther, "adapters")
	wantError(t, stderr)
}

func TestAdaptersChanges(t *testing.T) {
	on, off := onOff{true, true}, onOff{true, false}
	for line, want := range map[string]changeOf{
		"--power on":                       {"hci0", adapterChange{power: on}},
		"--power OFF -i 00-AA-01-00-00-01": {"hci1", adapterChange{power: off}},
		"--discoverable 3m":                {"hci0", adapterChange{discoverable: limited{on, 3 * time.Minute}}},
		"--discoverable 90 --pairable on":  {"hci0", adapterChange{discoverable: limited{on, 90 * time.Second}, pairable: limited{on, 0}}},
		"--pairable 18h --discoverable 5s": {"hci0", adapterChange{discoverable: limited{on, 5 * time.Second}, pairable: limited{on, 18 * time.Hour}}},
		"--power off --discoverable off":   {"hci0", adapterChange{power: off, discoverable: limited{off, 0}}},
		"--power on -i hci2":               {"hci2", adapterChange{power: on}}, // has no address yet
	} {
		f := newFake(t)
		f.chatty = true
		if strings.Contains(line, "-i") {
			f.adapterList = append(f.adapterList, rfcomm.Adapter{Name: "hci1", Addr: printerAddr}, rfcomm.Adapter{Name: "hci2"})
		}
		stdout, stderr := f.runs(t, 0, append([]string{"adapters"}, strings.Fields(line)...)...)
		if len(f.changes) != 1 || f.changes[0] != want {
			t.Errorf("%s: changes %+v, want %+v", line, f.changes, want)
		}
		if !strings.HasPrefix(stdout, want.adapter+" ") || strings.Count(stdout, "hci") > 2 {
			t.Errorf("%s: printed %q", line, stdout)
		}
		if limits := want.limits(); strings.Contains(stderr, "interrupt") != (limits != "") || !strings.Contains(stderr, limits) {
			t.Errorf("%s: stderr %q, want %q", line, stderr, limits)
		}
	}
}

func TestAdaptersRefusesChanges(t *testing.T) {
	for line, part := range map[string]string{
		"--power maybe":                   `use on or off`,
		"--power=":                        `use on or off`,
		"--discoverable 0":                "at most 18 hours",
		"--discoverable -3m":              "at most 18 hours",
		"--discoverable forever":          "at most 18 hours",
		"--pairable 19h":                  "at most 18 hours",
		"--power off --discoverable 3m":   "has to be on",
		"--power off --pairable on":       "has to be on",
		"--power on":                      "choose one with --adapter (hci0 (00:AA:01:00:00:00), hci1",
		"--discoverable 3m --tcp 1.2.3.4": "does not work over TCP",
	} {
		f := newFake(t)
		f.adapterList = append(f.adapterList, rfcomm.Adapter{Name: "hci1", Addr: printerAddr})
		_, stderr := f.runs(t, statusUsage, append([]string{"adapters"}, strings.Fields(line)...)...)
		if wantError(t, stderr, part); len(f.changes) > 0 {
			t.Errorf("%s: changes %v", line, f.changes)
		}
	}
	f := newFake(t)
	_, stderr := f.runs(t, statusNotFound, "adapters", "--power", "on", "-i", "hci7")
	wantError(t, stderr, `no adapter "hci7"`)
}

// The library advises bluetoothctl, which this program replaces.
func TestComplainsNamesOwnFlags(t *testing.T) {
	f := newFake(t)
	f.err = fmt.Errorf("%w, or: bluetoothctl discoverable on", bluez.ErrPowerOff)
	_, stderr := f.runs(t, statusNotFound, "pair", printerText)
	wantError(t, stderr, "rfcommctl adapters --power on", "rfcommctl adapters --discoverable 3m")
}
