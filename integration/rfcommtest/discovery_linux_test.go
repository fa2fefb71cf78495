package rfcommtest_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/mgmt"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// manage opens the kernel's management interface and puts the adapters of
// controllers under its control.
func manage(t *testing.T, controllers ...*rfcommtest.Controller) *mgmt.Socket {
	t.Helper()
	m, err := mgmt.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	for _, c := range controllers {
		information(t, m, c)
	}
	return m
}

// information returns what the kernel knows about an adapter.
func information(t *testing.T, m *mgmt.Socket, c *rfcommtest.Controller) mgmt.Info {
	t.Helper()
	info, err := m.ReadInfo(index(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if info.Address != c.Addr() {
		t.Fatalf("%s has the address % x, want %s", c.Name(), info.Address, c.Addr())
	}
	return info
}

// index returns the index of a controller's adapter.
func index(t *testing.T, c *rfcommtest.Controller) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(c.Name(), "hci"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// discover returns the first event about a device in a discovery.
func discover(t *testing.T, m *mgmt.Socket, from, want *rfcommtest.Controller) mgmt.Device {
	t.Helper()
	var found *mgmt.Device
	if err := m.Discover(index(t, from), false, func(d mgmt.Device) bool {
		if d.Address == want.Addr() {
			found = &d
		}
		return found == nil
	}); err != nil {
		t.Fatal(err)
	}
	if found == nil {
		t.Fatalf("the discovery did not find %s", want.Addr())
	}
	return *found
}

// An application sees the configured values, whatever the kernel has written
// to the device's controller.
func TestDiscoveryFindsConfiguredDevice(t *testing.T) {
	const (
		name  = "OBDII"
		class = 0x001f00
		uuids = "\x03\x03\x01\x11" // serial port
	)
	r, a, b := two(t, rfcommtest.Config{Each: []rfcommtest.ControllerConfig{{}, {
		Name: name, Class: class, EIR: []byte("\x06\x09" + name + uuids),
	}}})
	r.Link(a, b).SetRSSI(-70)
	m := manage(t, a, b)
	if info := information(t, m, b); info.Name != name {
		t.Errorf("the kernel's name of the device is %q", info.Name)
	}
	// Each discovery must find the device, not only most of them.
	for i := range 20 {
		got := discover(t, m, a, b)
		if got.Name() != name || got.Class() != class || got.RSSI != -70 || !strings.Contains(string(got.Data), uuids) {
			t.Errorf("discovery %d found %+v: name %q, class 0x%06x", i, got, got.Name(), got.Class())
		}
	}
}

// The kernel writes the values of the management interface to the device's
// controller. It sends an extended inquiry response only with Secure Simple
// Pairing (hci_update_eir_sync).
func TestDiscoveryFindsKernelsValues(t *testing.T) {
	_, a, b := two(t, rfcommtest.Config{})
	m := manage(t, a, b)
	const phone, smart = 0x02, 0x0c
	if err := errors.Join(m.SetName(index(t, b), "telephone"), m.SetClass(index(t, b), phone, smart)); err != nil {
		t.Fatal(err)
	}
	if got := discover(t, m, a, b); got.Name() != "" || got.Class() != 0x00020c {
		t.Errorf("without simple pairing: name %q, class 0x%06x", got.Name(), got.Class())
	}
	if err := b.SetSimplePairing(true); err != nil {
		t.Fatal(err)
	}
	if got := discover(t, m, a, b); got.Name() != "telephone" || got.Class() != 0x00020c {
		t.Errorf("with simple pairing: name %q, class 0x%06x", got.Name(), got.Class())
	}
}

// A limited discovery finds only devices in the limited mode, of two that
// answer equally often.
func TestDiscoveryLimited(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Controllers: 3})
	c := r.Controllers()
	m := manage(t, c...)
	if err := m.SetLimitedDiscoverable(index(t, c[2]), 60); err != nil {
		t.Fatal(err)
	}
	answers := make(map[[6]byte]int)
	if err := m.Discover(index(t, c[0]), true, func(d mgmt.Device) bool {
		answers[d.Address]++
		return answers[c[2].Addr()] < 5
	}); err != nil {
		t.Fatal(err)
	}
	if answers[c[1].Addr()] != 0 || answers[c[2].Addr()] == 0 {
		t.Errorf("answers: %v; only %s is in the limited mode", answers, c[2].Addr())
	}
	discover(t, m, c[0], c[1])
	discover(t, m, c[0], c[2])
}

func TestLinkSetRSSI(t *testing.T) {
	r, a, b := two(t, rfcommtest.Config{})
	m := manage(t, a, b)
	connect(t, a, b)
	for _, tt := range []struct {
		reads, other *rfcommtest.Controller
		dBm          int
		want         int8
	}{{a, b, -70, -10}, {b, a, -30, 10}} { // the kernel remembers a value for a second
		r.Link(a, b).SetRSSI(tt.dBm)
		if got, err := m.RSSI(index(t, tt.reads), tt.other.Addr()); err != nil || got != tt.want {
			t.Errorf("%d dBm: RSSI %d, %v; want %d", tt.dBm, got, err, tt.want)
		}
	}
}

func TestLinkSetLinkQuality(t *testing.T) {
	hcitool := labtest.Program(t, "hcitool", "bluez")
	r, a, b := two(t, rfcommtest.Config{})
	connect(t, a, b)
	for _, quality := range []uint8{255, 17} {
		r.Link(a, b).SetLinkQuality(quality)
		for from, to := range map[*rfcommtest.Controller]*rfcommtest.Controller{a: b, b: a} {
			out, err := exec.Command(hcitool, "-i", from.Name(), "lq", to.Addr().String()).CombinedOutput()
			if want := fmt.Sprintf("Link quality: %d", quality); err != nil || strings.TrimSpace(string(out)) != want {
				t.Errorf("%q, %v; want %q", out, err, want)
			}
		}
	}
}

// The kernel reads the version and the features that depend on it.
func TestConfigEachVersion(t *testing.T) {
	r := rfcommtest.Require(t, rfcommtest.Config{Each: []rfcommtest.ControllerConfig{
		{},
		{Version: rfcommtest.Version20},
		{Version: rfcommtest.Version21, Without: rfcommtest.SimplePairing},
		{Version: rfcommtest.Version21, Without: rfcommtest.InquiryRSSI},
	}})
	c := r.Controllers()
	m := manage(t, c...)
	for i, want := range []struct {
		version  uint8
		features uint32
	}{
		{7, mgmt.SimplePairing | mgmt.SecureConnections},
		{3, 0},
		{4, 0},
		{4, mgmt.SimplePairing},
	} {
		info := information(t, m, c[i])
		features := info.Supported & (mgmt.SimplePairing | mgmt.SecureConnections)
		if info.Version != want.version || features != want.features {
			t.Errorf("controller %d: version %d, features 0x%x; want %d, 0x%x", i, info.Version, features, want.version, want.features)
		}
	}
	for _, to := range c[1:] {
		dialed, accepted := connect(t, c[0], to)
		pass(t, dialed, accepted)
		discover(t, m, c[0], to)
	}
	discover(t, m, c[1], c[0]) // by results with RSSI
	discover(t, m, c[3], c[0]) // by standard results
}

// A device of Bluetooth 2.0, such as an HC-05, pairs by PIN although the other
// adapter uses Secure Simple Pairing.
func TestConfigEachVersion20PairsByPIN(t *testing.T) {
	log := new(keyLog)
	r, a, b := two(t, rfcommtest.Config{Log: log, Each: []rfcommtest.ControllerConfig{
		{}, {Version: rfcommtest.Version20, Name: "HC-05"},
	}})
	if err := errors.Join(a.SetSimplePairing(true), a.SetPIN("1234"), b.SetPIN("1235")); err != nil {
		t.Fatal(err)
	}
	link := r.Link(a, b)
	if err := link.Pair(); err == nil || len(log.keys(b.Addr())) != 0 {
		t.Errorf("with different PINs: %v", err)
	}
	if err := errors.Join(b.SetPIN("1234"), link.Pair()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*rfcommtest.Controller{a, b} {
		const combination = 0x00
		if keys := log.keys(c.Addr()); len(keys) != 1 || keys[0][16] != combination {
			t.Errorf("keys for %s: % x, want a combination key", c.Addr(), keys)
		}
	}
	encrypted(t, a, b)
	encrypted(t, b, a)
}
