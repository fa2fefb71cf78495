package bluez

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

const (
	registerProfile   = profileManager + ".RegisterProfile"
	unregisterProfile = profileManager + ".UnregisterProfile"
)

// thermometer is the record that the tests publish.
var thermometer = sdp.NewSerialPort("Thermometer", 18)

// newPublishBlueZ returns a bluetoothd with two adapters.
func newPublishBlueZ(t *testing.T) (z *fakebus.BlueZ, hci0, hci1 *fakebus.Adapter) {
	t.Helper()
	hosttest.CheckLeaksAtEnd(t)
	z = fakebus.NewBlueZ(t)
	hci0 = z.AddAdapter("hci0", "00:AA:01:00:00:00", nil)
	hci1 = z.AddAdapter("hci1", "00:AA:01:00:00:01", nil)
	return z, hci0, hci1
}

// publishThermometer publishes a record. The channel receives the reports.
func publishThermometer(t *testing.T) (*Publication, <-chan error) {
	t.Helper()
	reports := make(chan error, 100)
	p, err := Publish(t.Context(), thermometer, &PublishOptions{Report: func(err error) { reports <- err }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, reports
}

// wantState waits for a report, and checks that it matches target and that Err
// returns the same.
func wantState(t *testing.T, p *Publication, reports <-chan error, target error) {
	t.Helper()
	err := hosttest.Receive(t, reports)
	if !errors.Is(err, target) || p.Err() != err {
		t.Fatalf("the report is %v, Err returns %v, want %v", err, p.Err(), target)
	}
}

// wantListed checks whether the adapters list Serial Port.
func wantListed(t *testing.T, want bool, adapters ...*fakebus.Adapter) {
	t.Helper()
	for _, a := range adapters {
		listed, _ := a.Get(adapterInterface, "UUIDs").([]string)
		if got := strings.Contains(strings.Join(listed, " "), sdp.SerialPort.String()); got != want {
			t.Errorf("%s lists Serial Port: %v, want %v", a.Path(), got, want)
		}
	}
}

func TestPublishRegistersRecordAlone(t *testing.T) {
	z, hci0, hci1 := newPublishBlueZ(t)
	p, _ := publishThermometer(t)
	wantListed(t, true, hci0, hci1)
	profiles := z.Profiles()
	if len(profiles) != 1 {
		t.Fatalf("%d profiles are registered, want that of the record", len(profiles))
	}
	for option, want := range map[string]any{
		"Role": "server", "AutoConnect": false, "ServiceRecord": thermometer.XML(), "Channel": nil, "PSM": nil,
	} {
		if got := profiles[0].Option(option); got != want {
			t.Errorf("the option %s is %v, want %v", option, got, want)
		}
	}
	if profiles[0].UUID == sdp.SerialPort.String() {
		t.Error("the profile takes the UUID of the service, which has one owner")
	}
	if err := p.Err(); err != nil {
		t.Errorf("Err returns %v", err)
	}
	if err := p.Close(); err != nil || p.Err() != net.ErrClosed {
		t.Errorf("Close returns %v, Err then %v", err, p.Err())
	}
	if left := z.Profiles(); len(left) != 0 {
		t.Errorf("Close leaves %d profiles", len(left))
	}
	wantListed(t, false, hci0, hci1)
	hosttest.Eventually(t, "the client is gone", func() bool { return len(z.Bus().Clients()) == 0 })
}

// Two programs publish Serial Port. bluetoothd accepts the records of the second one
// and cannot parse some.
func TestPublishNoticesMissingRecord(t *testing.T) {
	for name, spoil := range map[string]func(class sdp.UUID) bool{
		"both records":                func(sdp.UUID) bool { return true },
		"the record of the check":     func(class sdp.UUID) bool { return class != sdp.SerialPort },
		"the record, and no other is": func(class sdp.UUID) bool { return class == sdp.SerialPort },
	} {
		t.Run(name, func(t *testing.T) {
			z, hci0, hci1 := newPublishBlueZ(t)
			if !strings.HasSuffix(name, "is") {
				publishThermometer(t)
			}
			before := len(z.Profiles())
			z.Handle(registerProfile, func(c *fakebus.Call) {
				options := c.Body[2].(map[string]dbus.Variant)
				record, err := sdp.ParseRecordXML(options["ServiceRecord"].Value().(string))
				if err != nil {
					t.Error(err)
				}
				if spoil(record.Classes()[0]) {
					options["ServiceRecord"] = dbus.MakeVariant("<record>")
				}
				c.Pass()
			})
			p, err := Publish(t.Context(), sdp.NewSerialPort("Barometer", 19), nil)
			if err == nil {
				p.Close()
			}
			if !errors.Is(err, ErrNotPublished) {
				t.Fatalf("Publish returns the error %v", err)
			}
			for _, part := range []string{`"Barometer"`, "hci0 (00:AA:01:00:00:00), hci1 (00:AA:01:00:00:01)", "ControllerMode"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not contain %s: %v", part, err)
				}
			}
			hosttest.Eventually(t, "the registrations are removed", func() bool { return len(z.Profiles()) == before })
			wantListed(t, before > 0, hci0, hci1)
		})
	}
}

func TestPublishNeedsAnAdapter(t *testing.T) {
	z, hci0, hci1 := newPublishBlueZ(t)
	hci0.Remove()
	hci1.Remove()
	if _, err := Publish(t.Context(), thermometer, nil); !errors.Is(err, ErrNoAdapter) {
		t.Errorf("Publish returns the error %v", err)
	}
	hosttest.Eventually(t, "the client is gone", func() bool { return len(z.Bus().Clients()) == 0 })
}

func TestPublishNeedsBluetoothd(t *testing.T) {
	z, _, _ := newPublishBlueZ(t)
	z.Stop()
	_, err := Publish(t.Context(), thermometer, nil)
	if !errors.Is(err, ErrNoDaemon) || !strings.Contains(err.Error(), `"Thermometer"`) {
		t.Errorf("Publish returns the error %v", err)
	}
}

func TestPublishFollowsBluetoothd(t *testing.T) {
	z, hci0, hci1 := newPublishBlueZ(t)
	p, reports := publishThermometer(t)
	for _, stop := range []func(){z.Stop, z.Exit} {
		stop()
		for {
			err := hosttest.Receive(t, reports)
			if errors.Is(err, ErrNoDaemon) {
				break
			}
			t.Log(err) // Exit removes the adapters first
		}
		if err := p.Err(); !errors.Is(err, ErrNoDaemon) {
			t.Errorf("Err returns %v", err)
		}
		z.Start()
		hosttest.Eventually(t, "the record is back", func() bool { return p.Err() == nil })
		wantListed(t, true, hci0, hci1)
		for err := error(ErrNoDaemon); err != nil; err = hosttest.Receive(t, reports) {
			t.Log(err) // there may be no adapter at first
		}
	}
}

func TestPublishFollowsAdapters(t *testing.T) {
	_, hci0, hci1 := newPublishBlueZ(t)
	p, reports := publishThermometer(t)
	hci1.Remove() // the record remains published everywhere
	hci0.Remove()
	wantState(t, p, reports, ErrNoAdapter)
	hci1.Restore()
	wantState(t, p, reports, nil)
	hci0.Restore()
	wantListed(t, true, hci0, hci1)
}

// A record that is missing on one adapter is reported, and stays on the others.
func TestPublishReportsOneAdapter(t *testing.T) {
	z, hci0, hci1 := newPublishBlueZ(t)
	hci1.Remove()
	p, reports := publishThermometer(t)
	z.Handle("org.freedesktop.DBus.ObjectManager.GetManagedObjects", func(c *fakebus.Call) {
		hci1.Set(adapterInterface, map[string]any{"UUIDs": []string{}})
		c.Pass()
	})
	hci1.Restore()
	wantState(t, p, reports, ErrNotPublished)
	if text := p.Err().Error(); !strings.Contains(text, "hci1") || strings.Contains(text, "hci0") {
		t.Errorf("Err returns %v", text)
	}
	wantListed(t, true, hci0)
}

// Events without news are not reported, and nothing is after Close.
func TestPublicationReportsNews(t *testing.T) {
	z, hci0, _ := newPublishBlueZ(t)
	p, reports := publishThermometer(t)
	registered := len(z.Calls(registerProfile))
	hci0.Remove()
	hci0.Restore()
	hosttest.Eventually(t, "two more checks", func() bool { return len(z.Calls(registerProfile)) >= registered+4 })
	p.Close()
	z.Stop()
	if len(reports) != 0 {
		t.Errorf("the first report is %v", <-reports)
	}
}

func TestPublicationReportsInOrder(t *testing.T) {
	z, _, _ := newPublishBlueZ(t)
	var running, overlapping atomic.Int32
	var last atomic.Value
	p, err := Publish(t.Context(), thermometer, &PublishOptions{Report: func(err error) {
		overlapping.Add(running.Add(1) - 1)
		last.Store([]error{err})
		running.Add(-1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		z.Restart()
	}
	hosttest.Eventually(t, "the last report is that the record is published", func() bool {
		err, ok := last.Load().([]error)
		return ok && err[0] == nil && p.Err() == nil && len(z.Profiles()) == 1
	})
	p.Close()
	if overlapping.Load() != 0 {
		t.Error("Report was called concurrently")
	}
}

// A registration that bluetoothd refuses once is repeated.
func TestPublicationRetries(t *testing.T) {
	z, _, _ := newPublishBlueZ(t)
	p, reports := publishThermometer(t)
	z.Stop()
	wantState(t, p, reports, ErrNoDaemon)
	z.Fail(registerProfile, "org.bluez.Error.Failed", "busy")
	z.Start()
	err := hosttest.Receive(t, reports)
	if err == nil || !strings.Contains(err.Error(), "busy") {
		t.Fatalf("the report is %v", err)
	}
	wantState(t, p, reports, nil)
}

func TestPublicationEndsWithTheBus(t *testing.T) {
	z, _, _ := newPublishBlueZ(t)
	p, reports := publishThermometer(t)
	z.Bus().Close()
	for err := hosttest.Receive(t, reports); !errors.Is(err, ErrNoBus); err = hosttest.Receive(t, reports) {
		t.Log(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestPublicationCloseLimitsItsWait(t *testing.T) {
	z, _, _ := newPublishBlueZ(t)
	p, _ := publishThermometer(t)
	p.patience = 10 * time.Millisecond
	z.Hold(unregisterProfile)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	hosttest.Eventually(t, "the record is withdrawn", func() bool { return len(z.Profiles()) == 0 })
}

func TestPublishEndsWithItsContext(t *testing.T) {
	z, _, _ := newPublishBlueZ(t)
	held := z.Hold(registerProfile)
	ctx, cancel := context.WithCancel(t.Context())
	result := hosttest.InBackground(func() error {
		_, err := Publish(ctx, thermometer, nil)
		return err
	})
	held.Await(t)
	cancel()
	if err := hosttest.Receive(t, result); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish returns the error %v", err)
	}
	held.Release()
	hosttest.Eventually(t, "the client is gone", func() bool { return len(z.Bus().Clients()) == 0 && len(z.Profiles()) == 0 })
}
