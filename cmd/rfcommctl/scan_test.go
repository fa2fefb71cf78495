package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/inquiry"
)

func TestScanPrintsEachDeviceOnce(t *testing.T) {
	f := newFake(t)
	unnamed := inquiry.Device{Addr: printerAddr, RSSI: inquiry.RSSIUnknown}
	named := inquiry.Device{Addr: printerAddr, Name: "Printer", Class: 0x040680, RSSI: -61}
	phone := inquiry.Device{Addr: scannerAddr, Name: "\x1b[2Jphone", Class: 0x5a020c, RSSI: -7}
	silent := inquiry.Device{Addr: adapterAddr, RSSI: -100}
	f.inRange = []inquiry.Device{unnamed, silent, phone, named, phone, silent, named}
	stdout, stderr := f.runs(t, 0, "scan")
	const want = `00:AA:01:00:00:02    -7 dBm  \x1b[2Jphone  (Smartphone)
00:AA:01:00:00:01   -61 dBm  Printer  (Printer)
00:AA:01:00:00:00  -100 dBm
`
	if stdout != want || stderr != "" {
		t.Errorf("got\n%s%s\nwant\n%s", stdout, stderr, want)
	}
	if o := f.inquiries[0]; o != (inquiry.Options{Duration: 8 * time.Second}) {
		t.Errorf("options %+v", o)
	}
	f.inRange = []inquiry.Device{unnamed, phone}
	stdout, _ = f.runs(t, 0, "scan", "--json", "-t", "1m30s", "-i", "hci0")
	wantJSON(t, stdout,
		`{"address":"00:AA:01:00:00:02","name":"\u001b[2Jphone","class":5898764,"kind":"Smartphone","rssi":-7}`,
		`{"address":"00:AA:01:00:00:01"}`)
	if o := f.inquiries[1]; o != (inquiry.Options{Adapter: adapterAddr, Duration: 90 * time.Second}) {
		t.Errorf("options %+v", o)
	}
	wantRecent(t, f.recent, "00:AA:01:00:00:01 Printer", "00:AA:01:00:00:02 \x1b[2Jphone", "00:AA:01:00:00:00 ")
}

func TestScanSaysThatNothingAnswered(t *testing.T) {
	f := newFake(t)
	stdout, stderr := f.runs(t, 0, "scan", "-t", "2")
	wantError(t, stderr, "no device answered in 2s", "discoverable")
	_, quiet := f.runs(t, 0, "scan", "-q")
	if stdout != "" || quiet != "" {
		t.Errorf("it printed %q, and %q with -q", stdout, quiet)
	}
}

// The devices found before an error are printed and remembered.
func TestScanReportsErrors(t *testing.T) {
	f := newFake(t)
	f.inRange = append(found("Printer"), inquiry.Device{Addr: scannerAddr, RSSI: -50})
	f.err = opError(syscall.EBUSY)
	f.adapterList = nil
	stdout, stderr := f.runs(t, statusBusy, "scan")
	wantError(t, stderr)
	wantParts(t, stdout, "Printer", scannerAddr.String())
	wantRecent(t, f.recent, "00:AA:01:00:00:01 Printer", "00:AA:01:00:00:02 ")
}

// The note appears only if the scan begins.
func TestScanNotesThatItBegins(t *testing.T) {
	f := newFake(t)
	f.chatty = true
	_, stderr := f.runs(t, 0, "scan")
	wantParts(t, stderr, "Scanning for 8s …\n")
	f.adapterList = nil
	f.err = opError(syscall.ENODEV)
	_, stderr = f.runs(t, statusNotFound, "scan")
	if strings.Contains(stderr, "Scanning") || strings.Count(stderr, "rfcommctl: ") != 1 {
		t.Errorf("without an adapter, it printed %q", stderr)
	}
}
