package sdp_test

import (
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/sdppeer"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// Package integration/rfcommtest tests which searches such devices receive. Here,
// tshark reads their packets.
func TestDialerSearchOddDevices(t *testing.T) {
	a := newAir(t, rfcommtest.Config{Controllers: 1})
	dialer := sdp.Dialer{RFCOMM: rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: a.near.Addr()}}}
	// As simple serial adapters have it: in Latin-1, without a browse group.
	record := sdp.NewSerialPort("Ger\xe4t\x00", 1)
	record.Delete(sdp.AttributeBrowseGroupList)
	record.Delete(sdp.AttributeLanguageBaseAttributeIDList)
	encoded, err := record.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		answer sdppeer.Answer
		mtu    int
	}{
		"answers 1101 alone":     {sdppeer.Only("1101", sdppeer.With(600, encoded), sdppeer.Silent), 672},
		"finds nothing but 0100": {sdppeer.Only("0100", sdppeer.With(600, encoded), sdppeer.FindsNothing), 672},
		"refuses all but 0100":   {sdppeer.Only("0100", sdppeer.With(600, encoded), sdppeer.Refuses), 672},
		"MTU of 48":              {sdppeer.With(30, encoded), 48},
		"rounds of 7 bytes":      {sdppeer.With(7, encoded), 672},
	} {
		t.Run(name, func(t *testing.T) {
			device := a.NewDevice(rfcommtest.ControllerConfig{Version: rfcommtest.Version20})
			defer a.Link(a.near, device.Controller).Disconnect(rfcommtest.RemoteUserTerminated)
			device.SetMTU(tt.mtu)
			l, err := device.ListenL2CAP(1)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go (&sdppeer.Peer{Answer: tt.answer}).Serve(l)
			records, err := dialer.Search(t.Context(), device.Addr(), sdp.SerialPort)
			if err != nil || len(records) != 1 {
				t.Fatalf("got %v, %v", records, err)
			}
			compareRecords(t, records[0], record)
			if err := a.log.Answered(records); err != nil {
				t.Error(err)
			}
		})
	}
}
