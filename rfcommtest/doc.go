// Package rfcommtest provides virtual Bluetooth controllers for tests. They
// reach each other over a simulated radio, on which a test can cause faults: see
// the section Faults.
//
// The Linux kernel treats the controllers as ordinary adapters. Sockets of
// package rfcomm, other programs and other languages connect through them; only
// the radio is simulated. As with net/http/httptest, a test starts its own:
//
//	radio := rfcommtest.Require(t, rfcommtest.Config{})
//	phone, printer := radio.Controllers()[0], radio.Controllers()[1]
//	link := radio.Link(phone, printer)
//	conn, peer, err := link.Connect(t.Context()) // or dial printer.Addr()
//	…
//	link.SetSupervisionTimeout(time.Second)
//	link.Disconnect(rfcommtest.ConnectionTimeout) // the printer goes out of range
//
// The package requires Linux with the modules rfcomm and hci_vhci, access to
// /dev/vhci, and the capability CAP_NET_ADMIN. Root has both privileges, and
// other users can be given them. If one is missing, [Require] skips the test
// and names the remedy. Use a virtual machine: faults trigger bugs in the
// kernel's Bluetooth code, and some of them crash the machine. This module's
// lab/run starts one.
//
// A [Device] is not attached to the kernel: a test plays it over L2CAP, as a
// peer that behaves strangely. A radio that has only devices works on every
// platform, without privileges.
//
// # Controllers
//
// A controller speaks HCI with the kernel's driver for virtual controllers
// (drivers/bluetooth/hci_vhci.c), as described in the Bluetooth Core
// Specification, Volume 4, Part E. It is a BR/EDR controller without audio, role
// switches, or power-saving modes, of version 4.1 unless [ControllerConfig] sets
// another version or leaves features out. It supports inquiry (both finding and
// being found), paging, ACL links, and pairing: see [Link.PairWith]. It reports
// links as encrypted but does not encrypt anything. It answers all other commands
// with the error Unknown HCI Command, and sends only the events that its kernel
// selects.
//
// A test that needs a certain device, such as an adapter for the diagnosis of
// cars, describes it in Config.Each: its name, its Class of Device, and its
// version. Whatever the kernel writes to that controller, other devices see the
// described one.
//
// # Discovery
//
// A device that hears an inquiry responds after a random time of up to 0.64 s
// (1023 slots), and does so again and again until the inquiry ends (Volume 2,
// Part B, section 8.4.3). Every response is reported to the kernel that
// inquires. As with real devices, programs therefore receive several results for
// one device, and those of several devices in any order.
//
// A device hears an inquiry if its kernel makes it scan for the inquiry's access
// code (GIAC or LIAC). It hears it immediately, whatever its scan interval. The
// results have the format that the inquiring kernel has selected: standard, with
// the signal strength set by [Link.SetRSSI], or with an extended inquiry
// response. In the last format, a device without such a response is reported
// without one.
//
// # Pages and the end of links
//
// The target hears a page after the page delay, if it is reachable, answers
// pages (page scan), and the link is not stalled. Otherwise the paging
// controller reports a page timeout, after 5.12 s (Volume 4, Part E, section
// 6.6) or after the time set by [Controller.SetPageTimeout].
//
// A link can end without notice: because the other controller was unplugged,
// switched off or reset, or because the two lost contact. A controller detects
// that after the supervision timeout (section 6.21), which the kernel leaves at
// 20 s.
//
// # Faults
//
// A test can cause these faults at any time:
//
//   - A device does not answer pages or inquiries ([Controller.SetReachable],
//     [Controller.SetScan]), answers pages late ([Link.SetPageDelay]), or rejects
//     them for a reason ([Controller.Refuse]). See also
//     [Controller.SetPageTimeout].
//   - A link stalls ([Link.Stall], [Link.Resume]), has a latency
//     ([Link.SetDelay]), is as slow as its packets ([Link.SimulateAirtime]), or
//     has a weak signal ([Link.SetRSSI], [Link.SetLinkQuality]).
//   - A link is lost or ends for a reason, at one end or at both
//     ([Link.Disconnect], [Link.SetSupervisionTimeout]).
//   - An adapter is unplugged or switched off, and comes back
//     ([Controller.Unplug], [Controller.Plug], [Controller.Down],
//     [Controller.Up]).
//   - A bond is missing or a key is wrong ([Link.Unpair], [Link.SpoilKey]).
//     Pairing needs a PIN or a user, or fails ([Controller.SetSimplePairing],
//     [Controller.SetPIN], [Link.PairWith]). Encryption ends
//     ([Link.StopEncryption]).
//   - A controller has an old version, lacks features, or has few and short
//     buffers ([Config], [ControllerConfig]).
//   - A peer violates L2CAP or a protocol above it ([Device]).
//
// Not simulated: audio, role switches, power-saving modes, Bluetooth LE, bit
// errors, retransmissions, scan intervals, the encryption of data, and
// controllers that violate HCI.
//
// In the source of this module, docs/rfcommtest.md lists the effects of each
// fault and the tests that show them. It compares the package with Bumble,
// btvirt and rootcanal.
//
// # Air time
//
// By default, data takes no time. [Link.SimulateAirtime] makes it take the time
// that an ideal radio needs, one without retransmissions (Volume 2, Part B):
//
//   - Time is divided into slots of 625 µs (section 2.2.3). A packet takes one,
//     three or five slots (section 6.5). After each packet the other end sends
//     one in return: data if it has any, otherwise an empty packet of one slot
//     (section 8).
//   - A controller transmits each ACL packet of the kernel, of up to
//     Config.ACLLength bytes, separately. It sends packets of the largest
//     capacity while more data is left than one of them holds, and then the
//     packet with the fewest slots that holds the rest. Data of different L2CAP
//     packets never shares a baseband packet.
//   - A controller takes part in one exchange at a time, so its links share its
//     air time, in turns. Links without a common controller do not affect each
//     other.
//   - An ACL packet arrives, and its buffer becomes free for the kernel, at the
//     end of the packet that the other end sends in return for its last packet.
//   - Messages of the link manager, such as those for pairing, take no time.
//
// The simulated clock is independent of when the machine wakes up: a packet
// starts when the previous one has ended, even if the process runs later.
// [Link.Airtime] counts the slots exactly.
package rfcommtest
