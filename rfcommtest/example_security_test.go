package rfcommtest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// This example tests a program whose printer has forgotten the phone.
func ExampleLink_Unpair() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
		link := radio.Link(phone, printer)
		if err := errors.Join(link.Pair(), link.Unpair(printer)); err != nil {
			t.Fatal(err)
		}

		conn, peer, err := link.Connect(t.Context())
		if err == nil {
			conn.Close()
			peer.Close()
			t.Error("connected although the printer has no key")
		}
	}
	_ = test
}

// This example tests a program whose printer has a wrong key.
func ExampleLink_SpoilKey() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
		link := radio.Link(phone, printer)
		if err := errors.Join(link.Pair(), link.SpoilKey(printer)); err != nil {
			t.Fatal(err)
		}
		link.Disconnect(rfcommtest.RemoteUserTerminated) // the link of the pairing

		conn, peer, err := link.Connect(t.Context())
		if err == nil {
			conn.Close()
			peer.Close()
			t.Error("connected although the keys differ")
		}
	}
	_ = test
}

// This example tests a program whose connection loses its encryption. The
// kernel encrypts the link of paired devices, whatever level a program requires.
func ExampleLink_StopEncryption() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
		link := radio.Link(phone, printer)
		if err := link.Pair(); err != nil {
			t.Fatal(err)
		}
		conn, peer, err := link.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer peer.Close()

		link.StopEncryption()
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the connection goes on without encryption")
		}
	}
	_ = test
}

// This example makes a device like an HC-05, which pairs by a PIN.
func ExampleController_SetPIN() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, module := radio.Controllers()[0], radio.Controllers()[1]
		if err := errors.Join(module.SetSimplePairing(false), module.SetPIN("1234"), phone.SetPIN("1234")); err != nil {
			t.Fatal(err)
		}
		if err := radio.Link(phone, module).Pair(); err != nil {
			t.Error(err)
		}
	}
	_ = test
}

// This example tests a program over a link that is not encrypted, although the
// devices are paired.
func ExampleController_SetSimplePairing() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
		link := radio.Link(phone, printer)
		if err := errors.Join(link.Pair(), printer.SetSimplePairing(false)); err != nil {
			t.Fatal(err)
		}
		link.Disconnect(rfcommtest.RemoteUserTerminated) // the link of the pairing

		conn, peer, err := link.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer peer.Close()
		if level, err := conn.Security(); err != nil || level != rfcomm.SecurityLow {
			t.Errorf("the level is %v, %v", level, err)
		}
	}
	_ = test
}

// This example tests a program with a device that can be discovered, but does
// not answer when the program connects.
func ExampleController_SetScan() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
		phone.SetPageTimeout(100 * time.Millisecond) // the kernel's default is 5.12 s
		if err := printer.SetScan(rfcommtest.InquiryScan); err != nil {
			t.Fatal(err)
		}

		conn, peer, err := radio.Link(phone, printer).Connect(t.Context())
		if err == nil {
			conn.Close()
			peer.Close()
			t.Error("connected to a device that does not answer")
		}
	}
	_ = test
}
