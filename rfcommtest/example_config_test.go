package rfcommtest_test

import (
	"testing"

	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// This example tests a program that searches for adapters by their name. The
// second controller is a serial adapter of Bluetooth 2.0, which pairs by PIN.
func ExampleControllerConfig() {
	test := func(t *testing.T) {
		radio := rfcommtest.Require(t, rfcommtest.Config{Each: []rfcommtest.ControllerConfig{
			{}, // the computer's own controller
			{Version: rfcommtest.Version20, Name: "HC-05", Class: 0x001f00},
		}})
		computer, adapter := radio.Controllers()[0], radio.Controllers()[1]
		radio.Link(computer, adapter).SetRSSI(-85) // far away
		if err := adapter.SetPIN("1234"); err != nil {
			t.Fatal(err)
		}
		// The program discovers a device named HC-05 with the address
		// adapter.Addr(), and pairs with it.
	}
	_ = test
}
