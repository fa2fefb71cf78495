// Package handover lets package bluez obtain a Conn of package rfcomm for a
// socket that bluetoothd passes over D-Bus. bluetoothd keeps a duplicate of the
// descriptor, so Close of such a Conn must end the connection for all
// duplicates. rfcomm.FileConn does the opposite, and package rfcomm has no other
// exported function that takes a descriptor.
package handover

import "net"

// A Socket is a connected RFCOMM socket from another process.
type Socket struct {
	FD int

	// Device is the address of the peer according to the other process, the
	// most significant byte first. A socket whose peer has disconnected does
	// not know it any more.
	Device [6]byte

	// Dialed reports whether the other process dialed the connection at the
	// request of this one.
	Dialed bool

	// Any accepts stream sockets of other kinds, which have no addresses. It
	// is for tests on machines without Bluetooth.
	Any bool
}

// A Held is a connection as the package sees it that has obtained it. It does
// not keep a forgotten Conn from being collected and closed.
type Held interface {
	// Connected reports whether the connection has not ended.
	Connected() bool

	// End ends the connection but leaves the Conn open: Read returns received
	// data and then io.EOF. It can be stuck in the kernel. After the Conn is
	// closed, End does nothing.
	End()
}

// Conn returns the connection of a socket, which is always an *rfcomm.Conn. It
// takes ownership of the descriptor. If it fails, it ends the connection for
// all duplicates. Package rfcomm sets Conn.
var Conn func(Socket) (net.Conn, Held, error)
