package rfcomm

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"weak"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/framing"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

var (
	_ net.Conn        = (*Conn)(nil)
	_ syscall.Conn    = (*Conn)(nil)
	_ syscall.RawConn = rawConn{}
)

// A Conn is one end of an RFCOMM connection. It implements [net.Conn]: its
// methods may be called from several goroutines at once, and errors are
// *net.OpError, except for the bare io.EOF of Read. After Close or Shutdown,
// every method that returns an error, except SyscallConn, returns one that
// matches net.ErrClosed.
type Conn struct {
	socket        *btsocket.Socket
	local, remote Addr
	held          *heldConn // in the registry until the connection is closed
}

// newConn returns the Conn of a connected socket.
func newConn(socket *btsocket.Socket, local, remote Addr) *Conn {
	return newHeldConn(socket, &heldConn{local: local, remote: remote})
}

// newDialedConn returns the Conn of a socket that a Dialer has connected.
func newDialedConn(socket *btsocket.Socket, local, remote Addr) *Conn {
	return newHeldConn(socket, &heldConn{local: local, remote: remote, dialed: true})
}

func newHeldConn(socket *btsocket.Socket, held *heldConn) *Conn {
	adapter := held.local.Device
	socket.SetChunker(framing.NewChunker(func() framing.Air { return airOf(adapter) }))
	held.socket = weak.Make(socket)
	conns.add(held)
	// The cleanup is attached to the socket, not to the Conn, because a pending
	// Read or Write keeps only the socket reachable.
	runtime.AddCleanup(socket, conns.remove, held)
	return &Conn{socket: socket, local: held.local, remote: held.remote, held: held}
}

func (c *Conn) ok() bool { return c != nil && c.socket != nil }

// opError returns err as the error of an operation between the two ends.
func (c *Conn) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return opError(op, c.local, c.remote, err)
}

// localError returns err as the error of an operation on this end alone.
func (c *Conn) localError(op string, err error) error {
	if err == nil {
		return nil
	}
	return opError(op, nil, c.local, err)
}

// Read reads received data, at least one byte, into p. Once the peer has closed
// the connection and all data sent before has been read, Read returns the bare
// io.EOF, and returns it again at each later call. This holds even if the
// kernel reported the end of the stream to a concurrent Write: Read neither
// hangs nor loses data.
//
// Read returns io.EOF for a clean close and for a reset, since the kernel
// reports both as ECONNRESET. The kernel also reports ECONNRESET for a peer
// that disconnects the link, powers its radio off, or runs low on resources.
// Only lengths or end marks of the application's protocol can show whether a
// message is complete.
//
// If the link is lost for another reason, Read returns an error that matches
// the errno and is not a timeout: ETIMEDOUT if the peer no longer responded,
// ECONNABORTED if the adapter went away or the kernel gave no reason, and
// others. Rarely, Read also returns ECONNABORTED when the peer closes during a
// large Write of this end, because the kernel loses the errno
// (bt_skb_sendmmsg).
func (c *Conn) Read(p []byte) (int, error) {
	if !c.ok() {
		return 0, syscall.EINVAL
	}
	n, err := c.socket.Read(p)
	if err != nil && err != io.EOF {
		err = c.opError(opRead, err)
	}
	return n, err
}

// Write writes p. If the send buffer is full because the peer accepts no data,
// Write waits until the write deadline. If the connection ends before the
// kernel has accepted all of p, Write returns an error and the number of bytes
// accepted. The peer may not have received those bytes yet; see
// [Conn.Shutdown].
//
// The bytes of one Write are not interleaved with those of another, and are
// sent in one RFCOMM frame if they fit. Once the connection has ended, Write
// returns its first error again. A Write of no bytes sends nothing.
func (c *Conn) Write(p []byte) (int, error) {
	if !c.ok() {
		return 0, syscall.EINVAL
	}
	n, err := c.socket.Write(p)
	if err != nil {
		err = c.opError(opWrite, err)
	}
	return n, err
}

// Close closes the connection and wakes every pending call, which then returns
// an error that matches net.ErrClosed. The kernel continues to send queued data
// and then disconnects. It gives up 40 s after Close, however much data the
// peer has accepted meanwhile (__rfcomm_dlc_disconn). A peer that has not
// accepted all data by then loses the rest, and reads the same end of the
// stream as otherwise. With the default buffers about 23 kB can be queued, so a
// peer must accept 600 bytes per second. A Linux peer must read 1.5 kB per
// second, because it grants credits only after it has read most of its receive
// buffer.
//
// Close does not wait for the queued data. It returns within about 100 ms, even
// if the kernel's close(2) is blocked by the stalled link of another
// connection. Use [Conn.Shutdown] to learn whether all data has arrived.
func (c *Conn) Close() error { return c.closeContext(context.Background()) }

// closeContext is Close, except that it stops waiting when ctx is done.
func (c *Conn) closeContext(ctx context.Context) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	conns.remove(c.held)
	defer conns.justClosed(c.remote.Device)
	return c.opError(opClose, c.socket.CloseContext(ctx))
}

// ErrUnconfirmed is matched by the error of a Shutdown that cannot determine
// whether the peer has received all data: the connection closed as if the peer
// had acknowledged the disconnect, but its link was gone a moment later.
// Devices that drop their link as soon as a connection is closed cause this
// error, often without any loss. The error also matches ECONNABORTED.
var ErrUnconfirmed = btsocket.ErrUnconfirmed

// Shutdown waits until the kernel has sent all written data, disconnects, and
// waits until the peer's Bluetooth stack has acknowledged the disconnect.
// Afterwards the connection is closed, even if Shutdown returns an error.
//
// A nil error means that the peer's stack has received the data of every Write
// that returned before. The peer's application may not have read that data yet,
// or may never read it. In one case Shutdown returns nil although data was
// lost: the peer closes its L2CAP channel without an RFCOMM disconnect, which
// the specification does not provide for, while data is in the kernel's L2CAP
// queue, and a busy kernel loses the errno. Where that matters, have the peer
// confirm the data in the application's protocol.
//
// Shutdown takes as long as the peer takes, so ctx should have a deadline.
// Pending calls are woken as by Close; a pending Write returns its count. The
// connection also ends for duplicates of its descriptor. A non-nil error means
// that data may not have arrived. The error matches
//
//   - the error of ctx, if ctx is done first; Shutdown then returns at once,
//     and the kernel continues as after Close
//   - ECONNRESET if the peer closed the connection first; rarely also if the
//     peer acknowledged the disconnect and dropped its link at once
//   - ETIMEDOUT if the peer accepted no data for 5 minutes, or did not answer
//     the disconnect within 20 s
//   - [ErrUnconfirmed] if the link was gone once the disconnect was complete
//   - ECONNABORTED if the link was lost before that; the kernel may report
//     another errno for it
//   - net.ErrClosed if Close is called before or meanwhile
//
// Do not call Shutdown in a function passed to the raw connection of
// SyscallConn: Shutdown waits for such functions to return. To detect a link
// that was lost without an error, Shutdown compares the adapter's list of links
// (HCIGETCONNLIST) before and after.
func (c *Conn) Shutdown(ctx context.Context) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	conns.markClosing(c.held)
	defer conns.justClosed(c.remote.Device)
	defer conns.remove(c.held)
	return c.opError(opClose, neterr.Context(c.socket.Shutdown(ctx, c.linkHandles())))
}

// linkHandles returns a function that returns the handle of the connection's
// link. The function looks up the adapter's index at its first call only, so
// that later calls are fast: a device may drop its link as soon as it has
// acknowledged a close.
func (c *Conn) linkHandles() func() (uint16, error) {
	adapter := -1
	return func() (uint16, error) {
		if adapter < 0 {
			all, err := adapters()
			if err != nil {
				return 0, err
			}
			for _, a := range all {
				if a.Addr == c.local.Device {
					adapter = a.Index
				}
			}
		}
		link, err := linkOf(adapter, c.remote.Device)
		return link.Handle, err
	}
}

// Security returns the current protection of the link, which may differ from
// the level that a Dialer requested: SecurityLow if the link is not encrypted,
// SecurityMedium if it is encrypted, and SecurityHigh if in addition the kernel
// reports that the pairing was protected against a man in the middle.
//
// The kernel reports that protection only for Secure Connections (a P-256 key).
// For a pairing of older devices, Security returns SecurityMedium even if
// people compared numbers, the same as for a pairing without protection ("just
// works").
//
// Security reads the adapter's list of links (HCIGETCONNLIST). It needs no
// privilege, but can wait for the kernel's lock of the adapter (hci_dev_lock),
// regardless of deadlines. If the link is gone, the error matches ENOTCONN.
func (c *Conn) Security() (Security, error) {
	if !c.ok() {
		return SecurityDefault, syscall.EINVAL
	}
	// A closed Conn returns net.ErrClosed, even if its link is still open.
	if err := c.socket.CheckOpen(); err != nil {
		return SecurityDefault, c.opError(opSecurity, err)
	}
	link, err := findLink(c.local.Device, c.remote.Device)
	if err != nil {
		return SecurityDefault, c.opError(opSecurity, err)
	}
	return securityOf(link.Mode), nil
}

// LocalAddr returns the adapter's address and the connection's channel, as an
// [Addr].
func (c *Conn) LocalAddr() net.Addr {
	if !c.ok() {
		return nil
	}
	return c.local
}

// RemoteAddr returns the peer's address and the connection's channel, as an
// [Addr].
func (c *Conn) RemoteAddr() net.Addr {
	if !c.ok() {
		return nil
	}
	return c.remote
}

// SetDeadline sets the read and write deadlines, for future and pending calls.
// A call that exceeds its deadline returns an error that matches
// os.ErrDeadlineExceeded and is a timeout. A zero value for t means that calls
// do not time out.
func (c *Conn) SetDeadline(t time.Time) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	return c.localError(opSet, c.socket.SetDeadline(t))
}

// SetReadDeadline sets the deadline of Read. See [Conn.SetDeadline].
func (c *Conn) SetReadDeadline(t time.Time) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	return c.localError(opSet, c.socket.SetReadDeadline(t))
}

// SetWriteDeadline sets the deadline of Write. See [Conn.SetDeadline]. A Write
// that times out may have written part of its data; the returned count says how
// much.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	return c.localError(opSet, c.socket.SetWriteDeadline(t))
}

// SetReadBuffer sets the size of the kernel's receive buffer in bytes. While
// the buffer is full, the kernel makes the peer pause.
func (c *Conn) SetReadBuffer(bytes int) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	return c.localError(opSet, c.socket.SetReadBuffer(bytes))
}

// SetWriteBuffer sets the size of the kernel's send buffer in bytes.
func (c *Conn) SetWriteBuffer(bytes int) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	return c.localError(opSet, c.socket.SetWriteBuffer(bytes))
}

// File returns a duplicate of the connection's descriptor. The caller must
// close it. After Close, the connection stays open until the duplicate is
// closed; Shutdown ends it for both. For a Conn of package bluez's Profile,
// Close ends it for both, too. If one of them reads data or the end of the
// stream, the other does not receive it.
func (c *Conn) File() (*os.File, error) {
	if !c.ok() {
		return nil, syscall.EINVAL
	}
	f, err := c.socket.File()
	return f, c.opError(opFile, err)
}

// SyscallConn returns a raw connection. The functions passed to its methods
// must not read from or write to the descriptor while Read and Write are in
// use. They must never get the socket option SO_ERROR, because that takes the
// end of the stream away from Read and Write. While such a function runs, the
// descriptor stays open, but Close does not wait for the function. As in
// package net, SyscallConn also succeeds on a closed Conn, and the methods of
// the raw connection return the error.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	if !c.ok() {
		return nil, syscall.EINVAL
	}
	return rawConn{c}, nil
}

// rawConn is the raw connection of a Conn.
type rawConn struct{ c *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	return r.c.localError(opRawControl, r.c.socket.RawControl(f))
}

func (r rawConn) Read(f func(fd uintptr) bool) error {
	return r.c.opError(opRawRead, r.c.socket.RawRead(f))
}

func (r rawConn) Write(f func(fd uintptr) bool) error {
	return r.c.opError(opRawWrite, r.c.socket.RawWrite(f))
}
