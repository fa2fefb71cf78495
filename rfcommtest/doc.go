// Package rfcommtest gives tests virtual Bluetooth controllers that reach each
// other by a simulated radio, with every fault of a real one on demand: pages
// that nobody answers, links that break for a given reason or stall, adapters
// that are pulled out, and the time that data takes on the air.
//
// The controllers are adapters of the Linux kernel like any other. Sockets of
// package rfcomm, other programs and other languages connect through them; only
// the radio is not real. A test asks for it in the way of net/http/httptest:
//
//	radio := rfcommtest.Require(t, rfcommtest.Config{})
//	phone, printer := radio.Controllers()[0], radio.Controllers()[1]
//	// Listen on printer.Addr(), dial from phone.Addr() …
//	link := radio.Link(phone, printer)
//	link.SetSupervisionTimeout(time.Second)
//	link.Disconnect(rfcommtest.ConnectionTimeout) // the printer goes out of range
//
// It needs Linux with the module hci_vhci, and the rights to open /dev/vhci and to
// bring adapters up, which are root's. [Require] skips a test elsewhere. Use a
// virtual machine: the kernel's Bluetooth has bugs that faults bring out, some of
// which take the machine down. This module's lab/run starts one.
//
// # Controllers
//
// A controller speaks HCI with the kernel's driver for virtual ones
// (drivers/bluetooth/hci_vhci.c), as the Bluetooth Core Specification has it in
// Volume 4, Part E: a BR/EDR controller of version 2.1, without audio, role
// switches, and modes that save power. It finds others and is found, pages, links,
// pairs ("just works", or by PIN), and turns encryption on, without enciphering
// anything. Commands beyond that get the error Unknown HCI Command.
//
// # Links and their ends
//
// A page is heard if its target answers pages (page scan), is reachable and not
// stalled, after the page time; otherwise the pager is told of a page timeout
// after 5.12 s (Volume 4, Part E, section 6.6), or as [Controller.SetPageTimeout]
// says. A link that ends without a word, because the other controller was removed,
// switched off or reset, or the two lost each other, is noticed after the
// supervision timeout (section 6.21): the kernel leaves it at 20 s.
//
// # Time on the air
//
// By default data takes no time. [Link.SimulateAirtime] gives it the time that a
// perfect radio needs, one that never has to repeat a packet (Volume 2, Part B):
//
//   - Time is divided into slots of 625 µs (section 2.2.2). A packet takes one,
//     three or five (section 6.5). After each, the other end sends one, of data if
//     it has any, else an empty one of one slot (section 8).
//   - A controller sends each piece of ACL data that the kernel gives it, of up to
//     Config.ACLLength bytes, by itself: in packets that hold the most while more
//     is left than one of them holds, and then in the one with the fewest slots
//     that holds the rest. Pieces of different L2CAP packets never share one.
//   - A controller does one thing at a time: its links share its air, in turns.
//     Links that have no controller in common do not disturb each other.
//   - The kernel learns that a piece was sent, and its buffer free, when its last
//     packet has been answered: at the end of the packet in return. The piece
//     arrives at that time, too.
//   - Messages of the link manager, such as for pairing, take no time.
//
// The clock does not depend on when the machine wakes up: a packet starts when the
// one before it has ended, even if that is noticed late. [Link.Airtime] counts the
// slots exactly.
package rfcommtest
