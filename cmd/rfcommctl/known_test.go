package main

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/bluez"
)

// A target can have the name of a device that bluetoothd has paired.
func TestNamesOfPairedDevices(t *testing.T) {
	f := newFake(t)
	f.inRange = found("Printer") // the address of the scanner's twin
	f.runs(t, 0, "scan")
	f.knownList = []knownDevice{{scannerAddr, "Scanner", true}, {scannerAddr, "", false}}
	f.stdin = strings.NewReader("x")
	f.runs(t, 0, "connect", "scanner/1", "--wait", "0")
	f.runs(t, 0, "connect", "printer/1", "--wait", "0")
	if len(f.dialed) != 2 || f.dialed[0].device != scannerAddr || f.dialed[1].device != printerAddr || len(f.inquiries) != 1 {
		t.Errorf("dialed %v, inquiries %v", f.dialed, f.inquiries)
	}
	f.knownList = append(f.knownList, knownDevice{adapterAddr, "PRINTER", true})
	_, stderr := f.runs(t, statusNotFound, "connect", "printer/1")
	wantError(t, stderr, "several devices", adapterAddr.String(), printerText)
	f.knownErr = bluez.ErrNoDaemon
	_, stderr = f.runs(t, 0, "connect", "printer/1", "--wait", "0", "-v")
	wantParts(t, stderr, bluez.ErrNoDaemon.Error())
}
