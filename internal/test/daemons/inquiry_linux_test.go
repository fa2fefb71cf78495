package daemons

import (
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
)

// While bluetoothd discovers devices with one of the adapters, inquiries with
// each find the other one, and do not end those of bluetoothd.
func TestBluetoothdPermitsInquiries(t *testing.T) {
	lab := inLab(t)
	d := Bluetoothd(t, Options{Config: "[General]\nName = Thermometer\nClass = 0x00050c\n"})
	setScan(t, adaptersUp(t), hcictl.ScanInquiryAndPage)
	if !bluetoothctlShows(t, "Device .* Thermometer", "scan", "on") {
		t.Fatal("bluetoothctl has not shown the other device")
	}
	const remoteControl inquiry.Class = 0x00050c
	began := time.Now()
	for range 3 {
		for from, to := range map[rfcomm.BDAddr]rfcomm.BDAddr{lab.Dialer(): lab.Device(), lab.Device(): lab.Dialer()} {
			got := firstFound(t, from)
			if want := (inquiry.Device{Addr: to, Name: "Thermometer", Class: remoteControl, RSSI: -50}); got != want {
				t.Errorf("found %v, want %v", got, want)
			}
		}
	}
	// bluetoothd inquires for 10 s at a time, and logs the end of each inquiry.
	if time.Since(began) < 5*time.Second && strings.Contains(d.Output(), "discovering 0 ") {
		t.Error("the inquiry of bluetoothd has ended")
	}
}

// firstFound returns the first device that an inquiry finds.
func firstFound(t *testing.T, adapter rfcomm.BDAddr) inquiry.Device {
	t.Helper()
	for device, err := range inquiry.Devices(t.Context(), &inquiry.Options{Adapter: adapter}) {
		if err != nil {
			t.Fatal(err)
		}
		return device
	}
	t.Fatal("the inquiry found nothing")
	panic("unreachable")
}
