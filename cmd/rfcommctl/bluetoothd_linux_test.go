package main

import (
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// TestRFCOMMBluetoothd has the tests that need bluetoothd, since its start takes
// seconds.
func TestRFCOMMBluetoothd(t *testing.T) {
	r := overRFCOMM(t)
	daemons.Bluetoothd(t, daemons.Options{})
	for _, tt := range []struct {
		name string
		test func(*testing.T, *radio)
	}{{"ListenPublish", testListenPublish}, {"Adapters", testAdaptersChange}} {
		t.Run(tt.name, func(t *testing.T) {
			r.Scan(labtest.DialerAdapter) // bluetoothd ends page scan with the last bond
			r.Scan(labtest.DeviceAdapter)
			tt.test(t, r)
		})
	}
}

// adapter returns the properties of an adapter.
func (r *radio) adapter(t *testing.T, c *bluez.Client, address rfcomm.BDAddr) bluez.AdapterProperties {
	t.Helper()
	a, err := c.Adapter(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Properties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// bus returns a connection to bluetoothd.
func bus(t *testing.T) *bluez.Client {
	t.Helper()
	c, err := bluez.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func testAdaptersChange(t *testing.T, r *radio) {
	c, far := bus(t), r.far.String()
	stdout, _ := r.runs(t, 0, "", "adapters", "-i", far, "--power", "off")
	wantParts(t, stdout, far+"  down", "--power on")
	stdout, _ = r.runs(t, 0, "", "adapters", "-i", far, "--power", "on", "--discoverable", "1s")
	wantParts(t, stdout, far+"  up, connectable, discoverable")
	before := r.adapter(t, c, r.far)
	for number, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		b := r.starts(t, "discoverable for 1m0s, pairable for 2m0s", "adapters", "-v", "-i", far, "--discoverable", "60", "--pairable", "2m")
		if p := r.adapter(t, c, r.far); !p.Discoverable || !p.Pairable {
			t.Errorf("the adapter is %+v", p)
		}
		b.ends(t, number, status)
		if p := r.adapter(t, c, r.far); p.Discoverable != before.Discoverable || p.Pairable != before.Pairable || p.DiscoverableTimeout != before.DiscoverableTimeout {
			t.Errorf("the adapter was %+v, and is %+v", before, p)
		}
	}
}
