package examples_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/hcictl"
	"github.com/go-rfcomm/rfcomm/internal/test/android"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// withBluetoothd starts bluetoothd. It skips the test if another user than root
// runs it; the programs run as user nobody.
func withBluetoothd(t *testing.T) *radio {
	t.Helper()
	r := overRFCOMM(t)
	labtest.RequireRoot(t)
	daemons.Bluetoothd(t, daemons.Options{})
	return r
}

// A phoneUser is the user of a phone, who confirms each number.
type phoneUser struct{ bluez.RejectAll }

func (phoneUser) ConfirmPasskey(context.Context, *bluez.Device, uint32) error { return nil }

// A phoneClient is the Bluetooth settings of a phone, on the first adapter.
type phoneClient struct {
	*bluez.Adapter
	client *bluez.Client
}

func newPhoneClient(t *testing.T, r *radio) phoneClient {
	t.Helper()
	client, err := bluez.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	adapter, err := client.Adapter(t.Context(), r.Dialer())
	if err != nil {
		t.Fatal(err)
	}
	return phoneClient{adapter, client}
}

// find discovers a device and returns it.
func (p phoneClient) find(t *testing.T, address rfcomm.BDAddr) *bluez.Device {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for found, err := range p.Discover(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if found.Addr != address {
			continue
		}
		device, err := p.Device(ctx, address)
		if err != nil {
			t.Fatal(err)
		}
		return device
	}
	t.Fatalf("%v is not visible", address)
	return nil
}

// One bluetoothd serves all parts of the test, since each start takes seconds.
func TestRFCOMMServesPairedPhone(t *testing.T) {
	r := withBluetoothd(t)
	phone := newPhoneClient(t, r)
	server, err := phone.client.Adapter(t.Context(), r.Device())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("pair ends", func(t *testing.T) { pairEnds(t, server) })

	box := launchRelay(t)
	// The machine has no bond and is not discoverable, so it answers no pages.
	if _, err := (android.Phone{Adapter: r.Dialer()}).Search(t.Context(), r.Device(), sdp.SerialPort); !errors.Is(err, syscall.EHOSTDOWN) {
		t.Errorf("a phone that is not paired gets %v, want EHOSTDOWN", err)
	}
	answerPages(t, r.Device()) // as if the machine had a bond
	t.Run("relay and a stranger", func(t *testing.T) { refusesStranger(t, r, box) })
	terminate(t, box)

	program := launch(t, "spp", []string{"-name", "Thermometer"}, labtest.SetNobody)
	program.await(t, "Listening on")
	t.Run("spp and a stranger", func(t *testing.T) { refusesStranger(t, r, program) })
	r.Sync() // the key of the stranger's link exists until its end
	t.Run("pair", func(t *testing.T) { pairPairs(t, phone, server) })
	for _, secure := range []bool{true, false} {
		t.Run(fmt.Sprintf("spp, secure %v", secure), func(t *testing.T) {
			conn, err := android.Phone{Adapter: r.Dialer(), Secure: secure}.Dial(t.Context(), r.Device(), sdp.SerialPort)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			checkSpp(t, conn)
		})
	}
	terminate(t, program)
	t.Run("relay", func(t *testing.T) { relayServesPhone(t, r) })

	records, err := android.Phone{Adapter: r.Dialer()}.Search(t.Context(), r.Device(), sdp.SerialPort)
	if err != nil || len(records) > 0 {
		t.Errorf("after the end of the servers there are the records %v, %v", records, err)
	}
}

// terminate ends a program as systemd does.
func terminate(t *testing.T, program *job) {
	t.Helper()
	program.cmd.Process.Signal(syscall.SIGTERM)
	program.end(t, 0)
}

// answerPages makes an adapter answer pages, but not inquiries.
func answerPages(t *testing.T, address rfcomm.BDAddr) {
	t.Helper()
	adapter, err := hci.FindAddress(address)
	if err == nil {
		err = hcictl.SetScan(adapter.Index, hcictl.ScanPage)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pairEnds checks that the adapter is hidden when the program pair has ended.
func pairEnds(t *testing.T, server *bluez.Adapter) {
	for _, tt := range []struct {
		name, limit, says string
		signal            syscall.Signal // or 0
		status            int
	}{
		{"limit", "1s", "no phone has paired", 0, 1},
		{"SIGTERM", "1m", "", syscall.SIGTERM, 0},
		{"SIGKILL", "1m", "", syscall.SIGKILL, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			program := launch(t, "pair", []string{"-adapter", server.Address().String(), "-for", tt.limit}, labtest.SetNobody)
			program.await(t, "Pair with")
			if tt.signal != 0 {
				if p := properties(t, server); !p.Discoverable || !p.Pairable {
					t.Errorf("while the program runs, %v has the properties %+v", server, p)
				}
				program.cmd.Process.Signal(tt.signal)
			}
			program.end(t, tt.status)
			checkText(t, program.stderr.String(), tt.says)
			if tt.says == "" {
				checkSilent(t, program.stderr.String())
			}
			wantNotPairable(t, server)
			if p := properties(t, server); p.Discoverable && (tt.signal != syscall.SIGKILL || p.DiscoverableTimeout != time.Minute) {
				t.Errorf("%v is discoverable, with the limit %v", server, p.DiscoverableTimeout)
			}
			if err := server.SetDiscoverable(t.Context(), false); err != nil {
				t.Error(err)
			}
		})
	}
}

// refusesStranger checks that a program refuses a phone that is not paired.
func refusesStranger(t *testing.T, r *radio, program *job) {
	stranger, err := android.Phone{Adapter: r.Dialer()}.Dial(t.Context(), r.Device(), sdp.SerialPort)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if n, err := stranger.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a phone that is not paired reads %d bytes, error %v, want io.EOF", n, err)
	}
	hosttest.Eventually(t, "a message", func() bool { return strings.Contains(program.stderr.String(), "is refused: it is not paired") })
}

// pairPairs checks that the program pair makes the adapter visible until the
// phone has paired, and trusts the phone.
func pairPairs(t *testing.T, phone phoneClient, server *bluez.Adapter) {
	program := launch(t, "pair", []string{"-adapter", server.Address().String()}, labtest.SetNobody)
	program.await(t, "Pair with")
	if err := phone.find(t, server.Address()).Pair(t.Context(), phoneUser{}, bluez.DisplayYesNo); err != nil {
		t.Fatal(err)
	}
	program.end(t, 0)
	checkText(t, program.stdout.String(), "Paired with", phone.Address().String())
	checkSilent(t, program.stderr.String())
	wantNotPairable(t, server)
	if properties(t, server).Discoverable {
		t.Error("the server is still discoverable")
	}
	device, err := server.Device(t.Context(), phone.Address())
	if err != nil {
		t.Fatal(err)
	}
	if p, err := device.Properties(t.Context()); err != nil || !p.Bonded || !p.Trusted {
		t.Errorf("the phone has the properties %+v, %v", p, err)
	}
}

// properties returns the properties of an adapter.
func properties(t *testing.T, adapter *bluez.Adapter) bluez.AdapterProperties {
	t.Helper()
	p, err := adapter.Properties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantNotPairable waits until an adapter is not pairable: bluetoothd changes that
// some milliseconds after it has lost its default agent.
func wantNotPairable(t *testing.T, adapter *bluez.Adapter) {
	t.Helper()
	hosttest.Eventually(t, "the end of pairing", func() bool { return !properties(t, adapter).Pairable })
}
