package bluez

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/bluez/internal/fakebus"
	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/paging"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// endless is the Duration of loops that the test ends.
const endless = -1

// wantStopped checks that no discovery and no connection of one is left.
func wantStopped(t *testing.T, z *fakebus.BlueZ, f *fakebus.Adapter, clients int) {
	t.Helper()
	if left := f.Discoverers(); len(left) > 0 {
		t.Errorf("%q still discover", left)
	}
	hosttest.Eventually(t, "the connection of the discovery has ended", func() bool { return len(z.Bus().Clients()) == clients })
}

func TestDiscoverYieldsDevices(t *testing.T) {
	z, f, a := fakeAdapter(t)
	other := z.AddAdapter("hci1", farAddress, nil)
	z.AddDevice(other, "00:AA:01:00:00:50", map[string]any{"RSSI": int16(-40)})
	z.AddDevice(f, "00:AA:01:00:00:51", map[string]any{"Name": "paired, out of range", "Paired": true})
	z.AddDevice(f, "00:AA:01:00:00:52", map[string]any{"Name": "found for others", "RSSI": int16(-40)})
	z.AddDevice(f, "00:AA:01:00:00:53", map[string]any{"Name": "paired", "Paired": true, "Class": uint32(0x5a020c)})
	f.InRange("00:AA:01:00:00:53", nil)
	for address, values := range map[string]map[string]any{
		"00:AA:01:00:00:54": {"RSSI": int16(noRSSI)},
		"00:AA:01:00:00:55": {"AddressType": "random"},
		"00:AA:01:00:00:56": {"AdvertisingFlags": []byte{0x06}},
	} {
		z.AddDevice(f, address, map[string]any{"Class": nil})
		f.InRange(address, values)
	}
	clients := len(z.Bus().Clients())
	var got []string
	for d, err := range a.Discover(t.Context(), &DiscoverOptions{Duration: endless}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d.String())
		if d.Addr != addressOf(t, "00:AA:01:00:00:54") {
			continue
		}
		if d.Name == "" { // its name comes later
			f.Device(d.Addr.String()).Set(deviceInterface, map[string]any{"Name": "HC-05\x1b"})
			continue
		}
		break
	}
	want := []string{
		`00:AA:01:00:00:52 "found for others" Computer (Laptop) -40 dBm`,
		`00:AA:01:00:00:53 "paired" Phone (Smartphone) -50 dBm`,
		`00:AA:01:00:00:54`,
		`00:AA:01:00:00:54 "HC-05\x1b"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
	if calls := z.Calls(adapterInterface + ".StopDiscovery"); len(calls) != 1 {
		t.Errorf("%d calls of StopDiscovery", len(calls))
	}
	wantStopped(t, z, f, clients)
}

func TestDiscoverFilters(t *testing.T) {
	_, f, a := fakeAdapter(t)
	far := sdp.UUID16(0x1108)
	f.InRange("00:AA:01:00:00:50", map[string]any{"Name": "near", "UUIDs": []string{serialPortText}})
	f.InRange("00:AA:01:00:00:51", map[string]any{"Name": "distant", "RSSI": int16(-90), "UUIDs": []string{far.String(), serialPortText}})
	f.InRange("00:AA:01:00:00:52", map[string]any{"RSSI": int16(noRSSI)})
	f.InRange("00:AA:01:00:00:53", map[string]any{"Name": "last", "RSSI": int16(0), "UUIDs": []string{far.String(), serialPortText}})
	for _, tt := range []struct {
		options DiscoverOptions
		filter  string
		want    string
	}{
		{DiscoverOptions{}, `map[Transport:"bredr"]`, "50 51 52 53"},
		{DiscoverOptions{MinRSSI: -60}, `map[RSSI:@n -60 Transport:"bredr"]`, "50 53"},
		{DiscoverOptions{MinRSSI: -127}, `map[RSSI:@n -127 Transport:"bredr"]`, "50 51 53"},
		{DiscoverOptions{Services: []sdp.UUID{sdp.SerialPort}}, `map[Transport:"bredr"]`, "50 51 53"},
		{DiscoverOptions{Services: []sdp.UUID{far, sdp.UUID16(0x1234)}}, `map[Transport:"bredr"]`, "51 53"},
		{DiscoverOptions{Prefix: "la"}, `map[Transport:"bredr"]`, "53"},
		{DiscoverOptions{Prefix: "00:AA:01:00:00:5"}, `map[Transport:"bredr"]`, "50 51 52 53"},
		{DiscoverOptions{Prefix: "00:AA:01:00:00:53", MinRSSI: -1}, `map[RSSI:@n -1 Transport:"bredr"]`, "53"},
	} {
		tt.options.Duration = endless
		var got []string
		for d, err := range a.Discover(t.Context(), &tt.options) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimPrefix(d.Addr.String(), "00:AA:01:00:00:"))
			if got[len(got)-1] == "53" {
				if filter := fmt.Sprint(f.Filter(f.Discoverers()[0])); filter != tt.filter {
					t.Errorf("%+v: the filter is %s, want %s", tt.options, filter, tt.filter)
				}
				break
			}
		}
		if got := strings.Join(got, " "); got != tt.want {
			t.Errorf("%+v: found %s, want %s", tt.options, got, tt.want)
		}
	}
}

func TestDiscoverChecksOptions(t *testing.T) {
	z, _, a := fakeAdapter(t)
	for _, tt := range []struct {
		options DiscoverOptions
		want    string
	}{
		{DiscoverOptions{MinRSSI: 1}, "MinRSSI 1;"},
		{DiscoverOptions{MinRSSI: -128}, "MinRSSI -128;"},
		{DiscoverOptions{Services: []sdp.UUID{{}}}, "UUID"},
	} {
		if err := lastError(a.Discover(t.Context(), &tt.options)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Discover(%+v) ended with the error %v", tt.options, err)
		}
	}
	if calls := z.Calls(adapterInterface + ".SetDiscoveryFilter"); len(calls) > 0 {
		t.Errorf("%d filters were set", len(calls))
	}
}

// Two loops of one Client discover at the same time.
func TestDiscoverTwice(t *testing.T) {
	z, f, a := fakeAdapter(t)
	clients := len(z.Bus().Clients())
	f.InRange(phoneAddress, nil)
	for _, err := range a.Discover(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range a.Discover(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			hosttest.Eventually(t, "two discoveries", func() bool { return len(f.Discoverers()) == 2 })
			break
		}
		if all := f.Discoverers(); len(all) != 1 {
			t.Errorf("%q discover, want 1", all)
		}
		break
	}
	wantStopped(t, z, f, clients)
}

// Begin of a page returns when bluetoothd has stopped the discovery, even if the
// body of the loop does not return.
func TestDiscoverStopsForPage(t *testing.T) {
	_, f, a := fakeAdapter(t)
	f.InRange(phoneAddress, nil)
	for _, err := range a.Discover(t.Context(), &DiscoverOptions{Duration: endless}) {
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			end := paging.Begin(t.Context(), a.Address())
			if all := f.Discoverers(); len(all) > 0 {
				t.Errorf("%q discover during a page", all)
			}
			end()
			hosttest.Eventually(t, "the discovery continues", func() bool { return len(f.Discoverers()) == 1 })
		}
		end := paging.Begin(t.Context(), addressOf(t, farAddress))
		if all := f.Discoverers(); len(all) != 1 {
			t.Errorf("%q discover during a page of another adapter", all)
		}
		end()
		break
	}
}

func TestDiscoverEnds(t *testing.T) {
	for _, want := range []error{ErrPowerOff, ErrNoAdapter, ErrNoDaemon, net.ErrClosed, ErrNoBus, context.Canceled} {
		z, f, a := fakeAdapter(t)
		f.InRange(phoneAddress, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		end := map[error]func(){
			ErrPowerOff: func() { f.Power(false) }, ErrNoAdapter: f.Remove, ErrNoDaemon: z.Stop,
			net.ErrClosed: func() { a.client.Close() }, ErrNoBus: z.Bus().Close, context.Canceled: cancel,
		}[want]
		var last error
		for _, err := range a.Discover(ctx, &DiscoverOptions{Duration: endless}) {
			if last = err; err == nil {
				end()
			}
		}
		if !errors.Is(last, want) || !strings.HasPrefix(fmt.Sprint(last), "bluez: ") {
			t.Errorf("the loop ended with the error %v, want %v", last, want)
		}
		if all := f.Discoverers(); want == context.Canceled && len(all) > 0 {
			t.Errorf("%q still discover", all)
		}
	}
}

func TestDiscoverFailsAtStart(t *testing.T) {
	z, f, a := fakeAdapter(t)
	want := func(loop error, target error) {
		t.Helper()
		if !errors.Is(loop, target) {
			t.Errorf("the loop ended with the error %v, want %v", loop, target)
		}
	}
	f.Power(false)
	want(lastError(a.Discover(t.Context(), nil)), ErrPowerOff)
	f.Power(true)
	z.Fail(adapterInterface+".StartDiscovery", "org.bluez.Error.NotReady", "Resource Not Ready")
	want(lastError(a.Discover(t.Context(), nil)), ErrPowerOff)
	f.Remove()
	want(lastError(a.Discover(t.Context(), nil)), ErrNoAdapter)
	z.Stop()
	want(lastError(a.Discover(t.Context(), nil)), ErrNoDaemon)
	a.client.Close()
	want(lastError(a.Discover(t.Context(), nil)), net.ErrClosed)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, a = fakeAdapter(t)
	want(lastError(a.Discover(ctx, nil)), context.Canceled)
}

// A loop body that panics stops the discovery, and so does a short Duration.
func TestDiscoverStops(t *testing.T) {
	z, f, a := fakeAdapter(t)
	clients := len(z.Bus().Clients())
	f.InRange(phoneAddress, map[string]any{"Name": "Phone"})
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("the panic was lost")
			}
		}()
		for range a.Discover(t.Context(), nil) {
			panic("oops")
		}
	}()
	wantStopped(t, z, f, clients)
	var found []inquiry.Device
	for d, err := range a.Discover(t.Context(), &DiscoverOptions{Duration: 50 * time.Millisecond}) {
		if err != nil {
			t.Error(err)
		}
		found = append(found, d)
	}
	if len(found) != 1 || found[0].Name != "Phone" {
		t.Errorf("found %v", found)
	}
	wantStopped(t, z, f, clients)
}
