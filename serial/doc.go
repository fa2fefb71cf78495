// Package serial presents RFCOMM connections as serial ports, for programs that
// know nothing else, and serial ports as RFCOMM services.
//
//	device, err := serial.Open(ctx, &serial.DeviceOptions{Connect: connect, Link: "/tmp/gps", Keep: true})
//
// [Open] connects, by a function that dials or accepts, and gives other programs a
// path to open: the kernel's tty, /dev/rfcommN, or a pseudo terminal. [NewPort]
// makes a connection the kernel's tty for this program, which has modem signals.
// Neither needs root. The tty needs the permission to open its node, which udev
// gives to group dialout; a pseudo terminal needs none, also works in containers,
// and can carry any [net.Conn], but no modem signals.
//
// A [Relay] joins a physical port, see [OpenLine], to connections, one at a time:
//
//	relay := &serial.Relay{Open: openPort, Keep: true}
//	err := relay.Serve(ctx, listener) // such as that of bluez.Listen
//
// [Bind] makes a tty that connects when a program opens it. It needs root.
//
// # Limits
//
// RFCOMM on Linux carries neither breaks, nor the speed and parity of the peer, nor
// the signals RI and CD to the peer. When a connection ends, the kernel discards
// data that the program has not read from a tty. Data that a peer sends while a
// program opens the tty may be echoed to the peer. The file docs/serial.md has the
// details, the traps, and the permissions.
package serial
