// Package rfcomm connects Bluetooth devices by RFCOMM, the serial port of
// Bluetooth, with the interfaces of package net: [Dial] and [Listen] return a
// [net.Conn] and a [net.Listener], with everything that they promise for TCP.
//
// A server listens on a channel, a number from 1 to 30:
//
//	listener, err := rfcomm.Listen(20)
//	for {
//		conn, err := listener.Accept()
//		…
//	}
//
// A client dials the channel of a device, which it names by its address:
//
//	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 20)
//
// [Dialer] and [ListenConfig] have options: time limits, the adapter to use,
// encryption. Their DialContext and Listen fit wherever package net's do, so
// that net/http, crypto/tls and others work over Bluetooth unchanged.
//
// The package uses the kernel's RFCOMM sockets directly: no cgo, no daemon, no
// root. Waiting connections are on the runtime's poller and tie up no thread.
// It works on Linux. On other Unix systems and on Windows it compiles, addresses
// can be parsed, and everything else fails with an error that matches
// [errors.ErrUnsupported].
//
// # What differs from TCP
//
// Between two adapters there is one link, and on it one connection for each
// channel and direction. A second dial to the same channel of the same device
// fails with EBUSY as long as the first is open or closing; dials therefore try
// again for some seconds, see [Dialer.DialRFCOMM].
//
// There is no half-close: Close and Shutdown end both directions.
//
// A clean close and a reset look alike. Read returns io.EOF for both, so that a
// protocol needs lengths or end marks of its own to tell a whole message from a
// part. See [Conn.Read].
//
// Close returns at once, and the kernel sends what is left for up to 40 s.
// [Conn.Shutdown] waits until the peer's Bluetooth stack has acknowledged
// everything, and says whether it has.
//
// The kernel's connect, shutdown and close can be stuck while the link of some
// other connection is stalled. No call of this package waits for them longer
// than its context, or 100 ms for Close; a call that is stuck ends on its own.
//
// # Errors
//
// Errors are *[net.OpError], as in package net, and tell what a person can do:
//
//	dial rfcomm [01:23:45:67:89:AB]:20: connect: host is down (the device is
//	off, out of range or not connectable)
//
// They match the kernel's errno, with errors.Is(err, syscall.EHOSTDOWN). After
// Close they match [net.ErrClosed], after a deadline [os.ErrDeadlineExceeded],
// and a dial that its context ends gives the context's error.
//
// # Security
//
// Devices that are paired can encrypt their link. [Dialer.Security] and
// [ListenConfig.Security] ask for it, and what asked for it never gets a
// connection without. The kernel alone does not see to that: when the devices
// have a connection already, it opens the next one at the link's level, and
// reports the one asked for. [Conn.Security] tells what the link really has.
package rfcomm
