package examples_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// offer publishes records on an adapter until the test ends.
func offer(t *testing.T, adapter rfcomm.BDAddr, records ...*sdp.Record) {
	t.Helper()
	labtest.RequireRoot(t) // for the PSM of SDP
	server := sdp.Server{Logger: slog.New(slog.DiscardHandler)}
	for _, record := range records {
		if _, err := server.Add(record); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := sdp.Listen(adapter)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-served; err != sdp.ErrServerClosed {
			t.Error(err)
		}
	})
}

// listenRFCOMM serves clients on a channel of an adapter until the test ends.
func (e *elm327) listenRFCOMM(t *testing.T, on rfcomm.Addr, security rfcomm.Security) {
	t.Helper()
	config := rfcomm.ListenConfig{Security: security}
	listener, err := config.ListenRFCOMM(t.Context(), on)
	if err != nil {
		t.Fatal(err)
	}
	e.serveAll(t, listener)
}

func TestRFCOMMServices(t *testing.T) {
	r := overRFCOMM(t)
	vendor := sdp.UUID{0: 0xb1, 15: 0x01}
	offer(t, r.Device(), sdp.NewSerialPort("Modem\x1b[2J", 7), sdp.NewService(vendor, "", 9))
	stdout, stderr := run(t, 0, "services", []string{r.far})
	checkSilent(t, stderr)
	checkText(t, stdout, `"Modem\x1b[2J", RFCOMM channel 7`, "Serial Port", "RFCOMM channel 9\n", vendor.String())

	stdout, _ = run(t, 0, "services", []string{r.far, "spp"})
	checkText(t, stdout, "RFCOMM channel 7\n")
	if strings.Contains(stdout, vendor.String()) {
		t.Errorf("it lists other services than Serial Port:\n%s", stdout)
	}
	stdout, stderr = run(t, 1, "services", []string{r.far, "opp"})
	checkSilent(t, stdout)
	checkText(t, stderr, "services: ", r.far)
}

func TestRFCOMMObdDialsTheService(t *testing.T) {
	r := overRFCOMM(t)
	channel := labtest.NextChannel()
	newELM327("41 0C 1A F8\r\r>").listenRFCOMM(t, rfcomm.Addr{Device: r.Device(), Channel: channel}, 0)
	offer(t, r.Device(), sdp.NewSerialPort("OBDII", channel))
	stdout, stderr := run(t, 0, "obd", []string{"-n", "2", r.far})
	if want := "1726 rpm\n1726 rpm\n"; stdout != want {
		t.Errorf("it printed %q, want %q", stdout, want)
	}
	checkSilent(t, stderr)
}

// The adapter has no SDP server.
func TestRFCOMMObdDialsChannel1(t *testing.T) {
	r := overRFCOMM(t)
	newELM327("41 0C 1A F8\r\r>").listenRFCOMM(t, rfcomm.Addr{Device: r.Device(), Channel: 1}, 0)
	if stdout, _ := run(t, 0, "obd", []string{r.far}); stdout != "1726 rpm\n" {
		t.Errorf("it printed %q, want 1726 rpm", stdout)
	}
}

// The adapter has forgotten the pairing, or has another PIN.
func TestRFCOMMObdHintsAtPIN(t *testing.T) {
	r := overRFCOMM(t)
	labtest.RequireRoot(t) // for the management interface
	r.Pair()
	r.SpoilKey(labtest.DeviceAdapter)
	r.Sync()
	on := rfcomm.Addr{Device: r.Device(), Channel: labtest.NextChannel()}
	newELM327("41 0C 1A F8\r\r>").listenRFCOMM(t, on, rfcomm.SecurityMedium)
	offer(t, r.Device(), sdp.NewSerialPort("OBDII", on.Channel))
	_, stderr := run(t, 1, "obd", []string{r.far})
	checkText(t, stderr, "pair "+r.far, "PIN")
}

func TestRFCOMMObdFindsAdapter(t *testing.T) {
	r := overRFCOMM(t)
	labtest.RequireRoot(t) // for the virtual controllers
	r.Unplug()             // the program uses the first adapter
	config := rfcommtest.Config{Each: []rfcommtest.ControllerConfig{{}, {Name: "Phone"}, {Name: "OBDII"}}}
	controllers := rfcommtest.Require(t, config).Controllers()
	for i, reply := range map[int]string{1: "NO DATA\r\r>", 2: "41 0C 1A F8\r\r>"} {
		newELM327(reply).listenRFCOMM(t, rfcomm.Addr{Device: controllers[i].Addr(), Channel: 1}, 0)
	}
	stdout, _ := run(t, 0, "obd", nil)
	checkText(t, stdout, "1726 rpm\n")
}
