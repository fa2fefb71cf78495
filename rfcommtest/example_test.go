package rfcommtest_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// This example tests a program whose device goes out of range.
func ExampleRequire() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
		link := radio.Link(phone, printer)
		link.SetSupervisionTimeout(time.Second) // the kernel's default is 20 s

		conn, peer, err := link.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer peer.Close()

		link.Disconnect(rfcommtest.ConnectionTimeout)
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("read: %v", err)
		}
	}
	_ = test
}

// This example tests a program that requires SecurityHigh. The kernel accepts
// only a key whose pairing the users have confirmed.
func ExampleLink_PairWith() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		phone, lock := radio.Controllers()[0], radio.Controllers()[1]
		if err := radio.Link(phone, lock).PairWith(rfcommtest.NumericComparison); err != nil {
			t.Fatal(err)
		}
		var lc rfcomm.ListenConfig
		lc.Security = rfcomm.SecurityHigh
		listener, err := lc.ListenRFCOMM(t.Context(), rfcomm.Addr{Device: lock.Addr(), Channel: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: phone.Addr()}}
		conn, err := d.DialRFCOMM(t.Context(), rfcomm.Addr{Device: lock.Addr(), Channel: 1})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	_ = test
}

// This example pairs two adapters with Secure Connections. The kernel then
// shows that a link has SecurityHigh.
func ExampleController_SetSecureConnections() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{})
		for _, c := range radio.Controllers() {
			if err := c.SetSecureConnections(true); err != nil {
				t.Fatal(err)
			}
		}
		link := radio.Link(radio.Controllers()[0], radio.Controllers()[1])
		if err := link.PairWith(rfcommtest.PasskeyEntry); err != nil {
			t.Fatal(err)
		}
		conn, peer, err := link.Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		defer peer.Close()
		if level, err := conn.Security(); err != nil || level != rfcomm.SecurityHigh {
			t.Errorf("%v, %v", level, err)
		}
	}
	_ = test
}

// This example computes the duration of a transfer over an ideal radio.
func ExampleAirtime_Duration() {
	sent := rfcommtest.Airtime{Slots: 6 * 1000} // a thousand 3-DH5 packets
	fmt.Println(sent.Duration())
	// Output: 3.75s
}
