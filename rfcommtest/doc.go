// Package rfcommtest gives tests virtual Bluetooth controllers that reach each
// other by a simulated radio, with every fault of a real one on demand: pages
// that nobody answers, links that break for a given reason or stall, adapters
// that are pulled out, and the time that a transfer takes on the air.
//
// The controllers are adapters of the Linux kernel like any other. Sockets of
// package rfcomm, of this kernel's other programs and of other languages connect
// through them, and nothing between the program and the kernel's driver is
// replaced. What runs over them is real; only the radio is not.
//
//	func TestPrinterThatVanishes(t *testing.T) {
//		radio := rfcommtest.Require(t, rfcommtest.Config{})
//		phone, printer := radio.Controllers()[0], radio.Controllers()[1]
//
//		listener, err := (&rfcomm.ListenConfig{}).ListenRFCOMM(…, printer.Addr(), 1)
//		…
//		radio.Link(phone, printer).Lose(rfcommtest.ConnectionTimeout)
//		…
//	}
//
// It needs Linux with the module hci_vhci and the right to open /dev/vhci, which
// is root's. [Require] skips a test elsewhere. Use a virtual machine: the kernel's
// Bluetooth has bugs that faults bring out, and some of them take the machine
// down. This module's lab/run starts one.
package rfcommtest
