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
// encryption. Any http.Server can serve a Listener, and crypto/tls runs over a
// Conn. [Dialer.DialHost] can be the DialContext of an http.Transport; a URL then
// names a device and a channel, as http://01-23-45-67-89-AB:20/ does. Set
// MaxConnsPerHost to 1, for the reason given next.
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
// fails with EBUSY while the first connection is open or closing. Dials therefore
// retry for some seconds; see [Dialer.DialRFCOMM].
//
// There is no half-close: Close and Shutdown end both directions.
//
// A clean close and a reset look alike. Read returns io.EOF for both, so that a
// protocol needs lengths or end marks of its own to tell a whole message from a
// part. See [Conn.Read].
//
// Close does not wait for data that is still queued. The kernel sends it for 40 s,
// however much the peer takes; a slower peer loses the end. [Conn.Shutdown] waits
// until everything has been sent and the peer's Bluetooth stack has acknowledged
// the disconnect.
//
// The kernel lets two listeners share a channel, one on every adapter and one on
// an adapter's own address, of which only the latter receives connections. [Listen]
// refuses a channel for which that would be the case; see
// [ListenConfig.ListenRFCOMM].
//
// The kernel's connect, shutdown and close can be stuck while the link of another
// connection is stalled. No call of this package waits for them longer than its
// context, or 100 ms for Close; a call that is stuck ends on its own.
//
// Linux 6.1 has two bugs that a program can meet. Two devices that dial each other
// at the same moment, without a link between them, can crash the kernel. And a
// process that is killed while a device is pairing to connect to its listener stops
// RFCOMM on the whole machine; see [Listener.Close].
//
// # Errors
//
// Errors are *[net.OpError], as in package net, and name the likely cause and a
// remedy:
//
//	dial rfcomm [01:23:45:67:89:AB]:20: connect: host is down (the device is off,
//	asleep, out of range, or not connectable; or it has forgotten this machine and
//	needs pairing again; or this is its LE address)
//
// Errors of the kernel match their errno, with errors.Is(err, syscall.EHOSTDOWN)
// or errors.As with a *syscall.Errno, and nothing else: ETIMEDOUT of a lost link
// is not a timeout, EACCES does not match fs.ErrPermission, nor ENOSYS
// [errors.ErrUnsupported]. Timeout() is true only for deadlines. After Close,
// errors match [net.ErrClosed], after a deadline [os.ErrDeadlineExceeded], and if
// its context ends a dial, that context's error.
//
// # Security
//
// Devices that are paired can encrypt their link. [Dialer.Security] and
// [ListenConfig.Security] ask for that, and return no connection without. The
// kernel alone does not ensure it: if the devices have a connection already, it
// opens the next one at the link's level and reports the level asked for. The
// check is made when Dial or Accept returns. [Conn.Security] reports how the link
// is protected at the moment.
package rfcomm
