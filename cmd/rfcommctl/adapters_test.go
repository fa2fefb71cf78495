package main

import (
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/go-rfcomm/rfcomm"
)

func TestAdaptersPrintsStates(t *testing.T) {
	f := newFake(t)
	f.adapterList = []rfcomm.Adapter{
		{Name: "hci0", Addr: adapterAddr, Up: true, PageScan: true, InquiryScan: true},
		{Name: "hci1", Addr: printerAddr, Up: true},
		{Name: "hci2", Addr: scannerAddr},
		{Name: "hci3"},
	}
	f.sys = fstest.MapFS{
		"class/bluetooth/hci2/rfkill7/soft": {Data: []byte("1\n")},
		"class/bluetooth/hci2/rfkill7/hard": {Data: []byte("1\n")},
		"class/bluetooth/hci1/rfkill6/soft": {Data: []byte("0\n")},
		"class/bluetooth/hci1/rfkill6/hard": {Data: []byte("0\n")},
	}
	stdout, stderr := f.runs(t, 0, "adapters")
	const want = `hci0  00:AA:01:00:00:00  up, connectable, discoverable
hci1  00:AA:01:00:00:01  up, not connectable, not discoverable
      no device can connect to it, only from here: bluetoothctl discoverable on
hci2  00:AA:01:00:00:02  down
      a switch of this machine blocks it (rfkill): use the switch, or the key for airplane mode
      it is blocked (rfkill): rfkill unblock bluetooth
hci3  00:00:00:00:00:00  down
      it is off: bluetoothctl power on
`
	if stdout != want || stderr != "" {
		t.Errorf("got\n%s%s\nwant\n%s", stdout, stderr, want)
	}
	stdout, _ = f.runs(t, 0, "adapters", "--json")
	wantJSON(t, stdout,
		`{"name":"hci0","address":"00:AA:01:00:00:00","up":true,"page_scan":true,"inquiry_scan":true,"problems":[]}`,
		`{"name":"hci1","address":"00:AA:01:00:00:01","up":true,"page_scan":false,"inquiry_scan":false,"problems":["no device can connect to it, only from here: bluetoothctl discoverable on"]}`,
		`{"name":"hci2","address":"00:AA:01:00:00:02","up":false,"page_scan":false,"inquiry_scan":false,"problems":["a switch of this machine blocks it (rfkill): use the switch, or the key for airplane mode","it is blocked (rfkill): rfkill unblock bluetooth"]}`,
		`{"name":"hci3","address":"00:00:00:00:00:00","up":false,"page_scan":false,"inquiry_scan":false,"problems":["it is off: bluetoothctl power on"]}`,
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
