package main

import (
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

const printerText = "00:AA:01:00:00:01"

func TestUnpairAndTrust(t *testing.T) {
	f := newFake(t)
	f.knownList = []knownDevice{{printerAddr, "Printer", true}}
	f.runs(t, 0, "trust", "Printer")
	f.runs(t, 0, "trust", "00:AA:01:00:00:02", "--off", "-i", "hci0")
	if !f.trusted[printerAddr] || f.trusted[scannerAddr] || len(f.trusted) != 2 {
		t.Errorf("trusted %v", f.trusted)
	}
	f.runs(t, 0, "unpair", "printer")
	f.runs(t, 0, "unpair", "00:AA:01:00:00:02", "-i", "hci0")
	if want := [2]rfcomm.BDAddr{{}, printerAddr}; len(f.unpaired) != 2 || f.unpaired[0] != want {
		t.Errorf("unpaired %v", f.unpaired)
	}
	if want := [2]rfcomm.BDAddr{adapterAddr, scannerAddr}; f.unpaired[1] != want {
		t.Errorf("unpaired %v", f.unpaired)
	}
	for _, command := range []string{"unpair", "trust"} {
		_, stderr := f.runs(t, statusNotFound, command, "Elsewhere")
		wantError(t, stderr, `the name "Elsewhere"`)
	}
	if len(f.inquiries) > 0 || len(f.unpaired) != 2 {
		t.Errorf("inquiries %v, unpaired %v", f.inquiries, f.unpaired)
	}
}

// Without bluetoothd, a name is not wrong: no names are known.
func TestUnpairAndTrustNeedBluetoothd(t *testing.T) {
	for _, command := range []string{"unpair", "trust"} {
		f := newFake(t)
		f.knownErr = bluez.ErrNoDaemon
		_, stderr := f.runs(t, statusOther, command, "Printer")
		wantError(t, stderr, bluez.ErrNoDaemon.Error())
	}
}

func TestUnpairAndTrustRefuseWrongUsage(t *testing.T) {
	for line, part := range map[string]string{
		"unpair":                                "DEVICE is missing",
		"unpair " + printerText + "/3":          "has a service: unpair takes a device",
		"unpair --tcp 127.0.0.1:1":              "does not work over TCP",
		"trust":                                 "DEVICE is missing",
		"trust 00:00:00:00:00:00":               "not the address of a device",
		"trust " + printerText + "/spp":         "trust takes a device",
		"trust --tcp x":                         "does not work over TCP",
		"trust " + printerText + " --off=maybe": "--off",
	} {
		f := newFake(t)
		_, stderr := f.runs(t, statusUsage, strings.Fields(line)...)
		wantError(t, stderr, part)
		if len(f.unpaired)+len(f.trusted)+len(f.inquiries) > 0 {
			t.Errorf("%s: it did something", line)
		}
	}
}
