package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A person accepts all pairings of the far adapter, and reads the numbers that
// it shows.
type person struct {
	bluez.RejectAll
	numbers chan uint32
}

func (p person) AuthorizePairing(context.Context, *bluez.Device) error { return nil }

// ConfirmPasskey confirms each number, and keeps the first one that nobody has read.
func (p person) ConfirmPasskey(_ context.Context, _ *bluez.Device, passkey uint32) error {
	select {
	case p.numbers <- passkey:
	default:
	}
	return nil
}

// TestRFCOMMBluetoothd has the tests that need bluetoothd, since its start takes
// seconds.
func TestRFCOMMBluetoothd(t *testing.T) {
	for _, version := range daemons.Versions() {
		t.Run(version.Name, func(t *testing.T) {
			r := overRFCOMM(t)
			testBluetoothd(t, r, daemons.Bluetoothd(t, daemons.Options{BlueZ: version}))
		})
	}
}

// testBluetoothd runs the tests with one bluetoothd.
func testBluetoothd(t *testing.T, r *radio, d *daemons.Daemon) {
	for _, tt := range []struct {
		name  string
		test  func(*testing.T, *radio)
		short bool // also with -test.short
	}{
		{"ListenPublish", func(t *testing.T, r *radio) { testListenPublish(t, r, d) }, true},
		{"PeersFindRecord", testPeersFindRecord, true},
		{"ListenExec", testListenExec, true},
		{"RelayPublish", testRelayPublish, true},
		{"ServePublish", testServePublish, true},
		{"SpeedPublish", testSpeedPublish, true},
		{"ServeBonded", testServeBonded, true},
		{"Adapters", testAdaptersChange, true},
		{"Doctor", testDoctor, true},
		{"PairDuringLink", testPairDuringLink, false},
		{"Pair", testPair, false},
		{"PairAtTerminal", testPairAtTerminal, true},
		{"PairByPIN", testPairByPIN, false},
		{"Jobs", testJobs, false},
	} {
		if testing.Short() && !tt.short {
			continue
		}
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
	wantParts(t, stdout, far+"  up, connectable") // on a busy machine, the second may be over
	before := r.adapter(t, c, r.far)
	for number, status := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		b := r.starts(t, "discoverable for 1m0s, pairable for 2m0s", "adapters", "-v", "-i", far, "--discoverable", "60", "--pairable", "2m")
		if p := r.adapter(t, c, r.far); !p.Discoverable || !p.Pairable {
			t.Errorf("the adapter is %+v", p)
		}
		b.ends(t, number, status)
		wantParts(t, b.stdout.String(), far+"  up, connectable, discoverable")
		if p := r.adapter(t, c, r.far); p.Discoverable != before.Discoverable || p.Pairable != before.Pairable || p.DiscoverableTimeout != before.DiscoverableTimeout {
			t.Errorf("the adapter was %+v, and is %+v", before, p)
		}
	}
}

// answering registers a person with bluetoothd, and makes the far adapter
// discoverable until end is called, which removes the bond of that adapter. It ends
// all links first, which keep the capability that the adapter had before
// (hci_conn_add): a pairing over them would not ask the person. Besides the tests,
// bluetoothd opens links, when it reads the services of a device that has paired.
func (r *radio) answering(t *testing.T) (p person, end func()) {
	t.Helper()
	p = person{numbers: make(chan uint32, 1)}
	c := bus(t)
	if _, err := c.RegisterAgent(t.Context(), p, bluez.AgentOptions{Capability: bluez.DisplayYesNo, Default: true}); err != nil {
		t.Fatal(err)
	}
	r.Sync()
	visible := r.starts(t, "discoverable for", "adapters", "-v", "-i", r.far.String(), "--discoverable", "5m")
	return p, func() {
		visible.ends(t, os.Interrupt, 130)
		r.runs(t, 0, "", "unpair", r.near.String(), "-i", r.far.String())
	}
}

// testPairDuringLink pairs while the devices have a link without a bond, for
// which the kernel has paired them.
func testPairDuringLink(t *testing.T, r *radio) {
	_, channel := r.listen(t)
	d := &rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: r.near}}
	conn, err := d.DialRFCOMM(t.Context(), rfcomm.Addr{Device: r.far, Channel: channel})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Sync()
	defer conn.Close()
	c := bus(t)
	hosttest.Eventually(t, "the pairing of the link", func() bool { return r.device(t, c, r.near, r.far).Paired })
	_, stderr := r.runs(t, statusBusy, "", "pair", r.far.String(), "-i", r.near.String())
	wantError(t, stderr, "paired only until its link ends")
}

// testPair pairs without a terminal, first with a device that bluetoothd has to
// discover, and uses the key.
func testPair(t *testing.T, r *radio) {
	_, end := r.answering(t)
	defer end()
	near, far := r.near.String(), r.far.String()
	r.runs(t, 0, "", "pair", far, "-i", near, "-v")
	_, stderr := r.runs(t, 0, "", "pair", far, "-i", near)
	wantParts(t, stderr, "paired already")
	r.wantEncrypted(t)
	stdout, _ := r.runs(t, 0, "", "__complete", "unpair", "")
	wantParts(t, stdout, far+"\t", near+"\t")
	r.runs(t, 0, "", "trust", far, "-i", near)
	c := bus(t)
	if p := r.device(t, c, r.near, r.far); !p.Bonded || !p.Trusted {
		t.Errorf("the device is %+v", p)
	}
	r.wantBluetoothctl(t, r.far, "Paired: yes", "Trusted: yes")
	r.runs(t, 0, "", "trust", far, "-i", near, "--off")
	if p := r.device(t, c, r.near, r.far); !p.Bonded || p.Trusted {
		t.Errorf("the device is %+v", p)
	}
	r.wantBluetoothctl(t, r.far, "Paired: yes", "Trusted: no")
	r.runs(t, 0, "", "unpair", far, "-i", near)
	r.wantBluetoothctl(t, r.far, "Device "+far+" not available")
	_, stderr = r.runs(t, statusNotFound, "", "trust", far, "-i", near)
	wantError(t, stderr, "does not know the device "+far)
}

// A dialogue is the program at a terminal.
type dialogue struct {
	*hosttest.Terminal
	process *os.Process
	ended   <-chan error // receives the result of Wait
}

// startsDialogue starts the program at a terminal.
func (r *radio) startsDialogue(t *testing.T, arguments ...string) *dialogue {
	t.Helper()
	d := &dialogue{Terminal: hosttest.OpenTerminal(t)}
	c := r.program(t, arguments...)
	c.Stdin, c.Stdout, c.Stderr = d.Slave, d.Slave, d.Slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	d.process, d.ended = c.Process, hosttest.InBackground(c.Wait)
	return d
}

// receive returns the next number. The program must not end before.
func (d *dialogue) receive(t *testing.T, numbers <-chan uint32) uint32 {
	t.Helper()
	received := hosttest.InBackground(func() any {
		select {
		case n := <-numbers:
			return n
		case err := <-d.ended:
			return err
		}
	})
	n, ok := hosttest.Receive(t, received).(uint32)
	if !ok {
		t.Fatalf("the program ended without a question:\n%s", d)
	}
	return n
}

// ends waits for the end of the program, and checks its exit status and that it has
// printed a text.
func (d *dialogue) ends(t *testing.T, status int, text string) {
	t.Helper()
	if got := exitStatus(t, hosttest.Receive(t, d.ended)); got != status {
		t.Errorf("status %d, want %d", got, status)
	}
	hosttest.Eventually(t, text, func() bool { return strings.Contains(d.String(), text) })
	t.Logf("%s", d)
}

// testPairAtTerminal compares numbers: it answers no, interrupts the question,
// and answers yes.
func testPairAtTerminal(t *testing.T, r *radio) {
	p, end := r.answering(t)
	defer end()
	pair := func() *dialogue {
		d := r.startsDialogue(t, "pair", r.far.String(), "-i", r.near.String())
		question := fmt.Sprintf("show the number %06d? [y/N] ", d.receive(t, p.numbers))
		hosttest.Eventually(t, question, func() bool { return strings.Contains(d.String(), question) })
		return d
	}
	d := pair()
	d.Type(t, "n\n")
	d.ends(t, statusPermission, "was not confirmed")
	d = pair()
	d.process.Signal(os.Interrupt)
	d.ends(t, 130, "interrupted")
	d = pair()
	d.Type(t, "y\n")
	d.ends(t, 0, "Paired with "+r.far.String())
	r.wantEncrypted(t)
	r.runs(t, 0, "", "unpair", r.far.String())
}

// testPairByPIN pairs with an old device. A module such as HC-05 has
// a fixed PIN.
func testPairByPIN(t *testing.T, r *radio) {
	air := rfcommtest.Require(t, rfcommtest.Config{Controllers: 1})
	module := air.NewDevice(rfcommtest.ControllerConfig{Name: "HC-05"})
	for _, err := range []error{module.SetSimplePairing(false), module.SetPIN("1234"), module.SetScan(rfcommtest.PageScan | rfcommtest.InquiryScan)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	adapter := air.Controllers()[0]
	c := bus(t)
	hosttest.Eventually(t, "the adapter", func() bool { _, err := c.Adapter(t.Context(), adapter.Addr()); return err == nil })
	_, stderr := r.runs(t, statusPermission, "", "pair", module.Addr().String(), "-i", adapter.Name())
	wantError(t, stderr, module.Addr().String(), "wants a PIN", "use --pin")
	_, stderr = r.runs(t, statusPermission, "", "pair", "hc-05", "-i", adapter.Name(), "--pin", "0000")
	wantError(t, stderr, "is the PIN")
	r.runs(t, 0, "", "pair", "HC-05", "-i", adapter.Name(), "--pin", "1234")
	if p := r.device(t, c, adapter.Addr(), module.Addr()); !p.Bonded {
		t.Errorf("the device is %+v", p)
	}
	r.runs(t, 0, "", "unpair", "HC-05")
}

// device returns the properties of a device on an adapter.
func (r *radio) device(t *testing.T, c *bluez.Client, adapter, device rfcomm.BDAddr) bluez.DeviceProperties {
	t.Helper()
	a, err := c.Adapter(t.Context(), adapter)
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.Device(t.Context(), device)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Properties(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantEncrypted checks that a connection of the program is encrypted.
func (r *radio) wantEncrypted(t *testing.T) {
	t.Helper()
	listener, channel := r.listen(t)
	received := hosttest.InBackground(func() string {
		conn, err := listener.Accept()
		if err != nil {
			return err.Error()
		}
		defer conn.Close()
		data, _ := io.ReadAll(conn)
		return string(data)
	})
	r.runs(t, 0, "", "connect", fmt.Sprintf("%s/%d", r.far, channel), "--exec", "echo secret", "-i", r.near.String())
	if got := hosttest.Receive(t, received); got != "secret\n" {
		t.Errorf("received %q", got)
	}
}
