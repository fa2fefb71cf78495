// Package rfcomm connects Bluetooth devices by RFCOMM, the serial port protocol
// of Bluetooth. [Dial] and [Listen] return a [net.Conn] and a [net.Listener]
// that keep the promises of package net for TCP: deadlines, contexts, errors,
// and a Close that wakes every pending call.
//
// A server listens on a channel, a number from 1 to 30:
//
//	listener, err := rfcomm.Listen(20)
//	for {
//		conn, err := listener.Accept()
//		…
//	}
//
// A client dials a channel of a device, which it names by its address:
//
//	conn, err := rfcomm.Dial("01:23:45:67:89:AB", 20)
//
// [Dialer] and [ListenConfig] add options: timeouts, the adapter to use, and
// encryption. Any http.Server can serve a Listener, and crypto/tls runs over a
// Conn. [Dialer.DialHost] can be the DialContext of an http.Transport, so that
// the URL http://01-23-45-67-89-AB:20/ names a device and a channel. Set the
// transport's MaxConnsPerHost to 1, for the reason given under Differences from
// TCP.
//
// # Requirements
//
// The package uses the RFCOMM sockets of the Linux kernel directly, without
// cgo, a daemon or root. Pending calls wait on the runtime's poller and occupy
// no thread. On 386 and s390x, Linux 4.3 is the oldest kernel that works. On
// other Unix systems and on Windows the package compiles and parses addresses,
// and everything else fails with an error that matches [errors.ErrUnsupported].
//
// The adapter must be powered on ("bluetoothctl power on"). That of a server
// must also answer pages: "bluetoothctl discoverable on" ensures that for three
// minutes, and a paired device can connect at any time. See [Adapter]. In a
// container, Bluetooth needs the host's network namespace (--network=host).
//
// # Differences from TCP
//
// Two adapters share one link, and on it one connection for each channel and
// direction. A second dial to the same channel of the same device fails with
// EBUSY while the first connection is open or closing. Dials therefore retry
// for a few seconds; see [Dialer.DialRFCOMM].
//
// RFCOMM has no half-close: Close and Shutdown end both directions.
//
// A clean close and a reset look alike. Read returns io.EOF for both, so a
// protocol needs lengths or end marks of its own to distinguish a complete
// message from a partial one. See [Conn.Read].
//
// Close does not wait for queued data. The kernel continues to send it for
// 40 s; a peer that has not accepted all data by then loses the rest, however
// steadily it accepts data. [Conn.Shutdown] waits until all data has been sent
// and the peer's Bluetooth stack has acknowledged the disconnect.
//
// The kernel lets two listeners share a channel, one on every adapter and one
// on an adapter's own address. Only the latter then receives that adapter's
// connections. [Listen] refuses to share a channel in this way; see
// [ListenConfig.ListenRFCOMM].
//
// The kernel's connect, shutdown and close can block while the link of another
// connection is stalled. No call of this package waits for a blocked system
// call after its context is done, and Close waits for at most 100 ms; the
// system call ends by itself later.
//
// Linux 6.1 has bugs that affect programs. Two devices that dial each other at
// the same moment, without a link between them, can crash the kernel. A process
// that is killed while a device is pairing to connect to its listener stops
// RFCOMM on the whole machine; see [Listener.Close]. A connection with
// BT_DEFER_SETUP can crash the kernel; see [FileConn]. In 6.1.192, so can a
// dial to a device that does not answer (hci_chan_del).
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
// An error of the kernel matches its errno and nothing else. Use
// errors.Is(err, syscall.EHOSTDOWN), or errors.As with a *syscall.Errno: the
// *os.SyscallError in the OpError holds a value that adds the likely cause, not
// a bare syscall.Errno. Only deadlines are timeouts; the Timeout method returns
// false for the ETIMEDOUT of a lost link. EACCES does not match
// fs.ErrPermission, and ENOSYS does not match [errors.ErrUnsupported].
//
// The errors of dials are listed at [Dialer.DialRFCOMM], those of listening at
// [ListenConfig.ListenRFCOMM]. Connections have the following:
//
//   - ETIMEDOUT: the link was lost, because the device went out of range or
//     lost power; [Conn.Shutdown] also returns it if the peer accepts no data,
//     or does not answer the disconnect
//   - ECONNRESET, of Write and Shutdown: the peer has closed the connection, or
//     its link went away; Read returns io.EOF
//   - ECONNABORTED: the adapter went away, or the link did for an unknown
//     reason, or, rarely, the peer closed in the middle of a large Write
//   - ENOTCONN, of Write: the connection has ended for a reason that the kernel
//     has not kept, or it still awaits its first Read (see [FileConn])
//   - ECONNREFUSED: encryption was switched off, without which the connection
//     does not have its security level
//   - EACCES, EBADE: the devices are not paired, or one has lost the key
//   - ENOSYS: the link ended for a reason without an errno
//   - [ErrUnconfirmed], of Shutdown: the peer may have received everything, but
//     its link was gone a moment later
//   - [net.ErrClosed]: the connection or listener was closed by this process
//   - [os.ErrDeadlineExceeded]: a deadline, that of a context, or the Dialer's
//     Timeout has passed
//   - [context.Canceled]: the context of a dial, listen or Shutdown was
//     cancelled
//
// # Security
//
// Paired devices can encrypt their link. With [SecurityMedium] or more in
// [Dialer.Security] or [ListenConfig.Security], Dial and Accept return no
// connection over a link that is not encrypted. The kernel alone does not
// ensure that: if the devices already have a connection, it opens the next one
// at the level of the link and still reports the requested level. The check is
// made when Dial or Accept returns; [Conn.Security] reports the current
// protection of the link.
//
// Without a pairing agent, devices can connect unpaired at [SecurityLow] and,
// while bluetoothd runs, also at SecurityMedium: the kernel pairs them for the
// time of the link. A server for paired devices alone checks Bonded in the
// DeviceProperties of package bluez after Accept.
//
// If an agent is registered, as on a desktop, it asks a person about every
// connection of an unpaired device, even at SecurityLow. While the question is
// unanswered, the dial fails with ETIMEDOUT after about 30 s, and the next dial
// with ECONNREFUSED after about 10 s. If the person declines, the dial fails
// with EACCES.
package rfcomm
