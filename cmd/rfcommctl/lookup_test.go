package main

import (
	"errors"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// resolves checks the device and the service of a target.
func (f *fake) resolves(t *testing.T, text string, device rfcomm.BDAddr, s service) {
	t.Helper()
	gotDevice, gotService, err := f.resolve(t.Context(), new(link), text)
	if err != nil || gotDevice != device || gotService != s {
		t.Errorf("resolve(%q) = %v, %+v, %v, want %v, %+v", text, gotDevice, gotService, err, device, s)
	}
}

func TestResolveFindsNames(t *testing.T) {
	f := newFake(t)
	f.inRange = found("Printer", "a/1", "a", "\x1b[2Jevil", "Printer/spp")
	f.runs(t, 0, "scan")
	f.resolves(t, "Printer", printerAddr, service{})
	f.resolves(t, "printer/3", printerAddr, service{channel: 3})
	f.resolves(t, "a/1", scannerAddr, service{})
	f.resolves(t, "a/1/1", scannerAddr, service{channel: 1})
	f.resolves(t, "a/2", rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 3}, service{channel: 2})
	f.resolves(t, `\x1b[2Jevil/spp`, rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 4}, service{uuid: sdp.SerialPort})
	f.resolves(t, "PRINTER/SPP", rfcomm.BDAddr{0, 0xaa, 1, 0, 0, 5}, service{})
	if len(f.inquiries) != 1 {
		t.Errorf("%d inquiries, want that of the scan", len(f.inquiries))
	}
	f.resolves(t, "01:23:45:67:89:AB", rfcomm.BDAddr{0x01, 0x23, 0x45, 0x67, 0x89, 0xab}, service{})
}

func TestResolveScansForUnknownNames(t *testing.T) {
	f := newFake(t)
	f.inRange = found("Printer", "other")
	f.resolves(t, "Printer/spp", printerAddr, service{uuid: sdp.SerialPort})
	f.resolves(t, "other", scannerAddr, service{})
	if len(f.inquiries) != 1 || f.inquiries[0].Duration != lookupDuration {
		t.Errorf("inquiries %v, want one of %v", f.inquiries, lookupDuration)
	}
	_, stderr := f.runs(t, statusNotFound, "services", "nobody")
	wantError(t, stderr, `"nobody"`, "use its address")
	f.err = errors.New("adapter lost")
	_, stderr = f.runs(t, statusOther, "services", "nobody")
	wantError(t, stderr, "adapter lost")
}

func TestResolveRefusesAmbiguousNames(t *testing.T) {
	f := newFake(t)
	f.inRange = found("HC-05", "other", "hc-05")
	_, stderr := f.runs(t, statusNotFound, "connect", "HC-05/spp")
	wantError(t, stderr, `"HC-05"`, "00:AA:01:00:00:01, 00:AA:01:00:00:03")
	if len(f.dialed) > 0 {
		t.Errorf("it dialed %v", f.dialed)
	}
}

func TestResolveRefusesUnknownServices(t *testing.T) {
	f := newFake(t)
	f.inRange = found("Printer", "other")
	f.runs(t, 0, "scan")
	_, stderr := f.runs(t, statusUsage, "connect", "printer/fax!")
	wantError(t, stderr, `unknown service "fax!"`)
	_, stderr = f.runs(t, statusUsage, "connect", "other/31")
	wantError(t, stderr, "no such channel 31")
	if len(f.inquiries) != 1 || len(f.dialed) > 0 {
		t.Errorf("inquiries %v, want that of the scan; dialed %v", f.inquiries, f.dialed)
	}
	_, stderr = f.runs(t, statusNotFound, "connect", "absent/fax!")
	wantError(t, stderr, `"absent/fax!"`)
}
