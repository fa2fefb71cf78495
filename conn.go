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
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

var (
	_ net.Conn     = (*Conn)(nil)
	_ syscall.Conn = (*Conn)(nil)
)

// A Conn is one end of an RFCOMM connection. It implements [net.Conn]: its
// methods may be called from several goroutines at once, and errors are
// *net.OpError, but for the bare io.EOF of Read. After Close or Shutdown every
// method that can fail, except SyscallConn, reports an error that matches
// net.ErrClosed.
type Conn struct {
	socket        *btsocket.Socket
	local, remote Addr
	held          *heldConn // in the registry, until the connection is closed
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
	socket.SendOver(func() btsocket.Air { return airOf(adapter) })
	held.socket = weak.Make(socket)
	conns.add(held)
	// Of the socket, not of the Conn: a Read or Write keeps only that.
	runtime.AddCleanup(socket, conns.remove, held)
	return &Conn{socket: socket, local: held.local, remote: held.remote, held: held}
}

func (c *Conn) ok() bool { return c != nil && c.socket != nil }

// opError wraps the error of an operation between the two ends.
func (c *Conn) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return opError(op, c.local, c.remote, err)
}

// localError wraps the error of an operation on this end alone.
func (c *Conn) localError(op string, err error) error {
	if err == nil {
		return nil
	}
	return opError(op, nil, c.local, err)
}

// Read reads received data, at least one byte, into p. After the peer has closed
// the connection and all data before that was read, Read returns the bare io.EOF,
// and repeats it.
//
// The kernel reports a clean close and a reset alike (ECONNRESET), and so a peer
// that hangs up, switches its radio off, or runs low on resources: all of them
// read as io.EOF. Only a protocol's own lengths or end marks can show whether a
// message is whole. The loss of a link for another reason is an error that matches
// its errno, and is not a timeout: ETIMEDOUT if the peer fell silent, ECONNABORTED
// if the adapter went away or the kernel gave no reason, and others. Rarely, a
// peer's close that meets a large Write of this end also reads as ECONNABORTED,
// because the kernel loses its errno (bt_skb_sendmmsg).
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

// Write writes p. While the peer takes nothing, it waits, until the write
// deadline. It returns an error if the connection ends before the kernel has taken
// all of p; the count is the number of bytes taken. The peer may not have received
// them yet: see [Conn.Shutdown]. The bytes of one Write stay together, and in one
// RFCOMM frame if they fit. Once the connection has ended, Write repeats its first
// error. A Write of no bytes sends nothing.
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

// Close closes the connection and wakes every pending call. The kernel still
// sends the data that was written, and disconnects then. It gives up 40 s after
// Close, however much the peer has taken meanwhile (__rfcomm_dlc_disconn). A peer
// that has not taken everything by then loses the rest, and reads the same end of
// the stream as otherwise. With the default buffers about 23 kB can be queued, so
// a peer must take 600 bytes per second. A Linux peer must read 1.5 kB per second,
// because it grants credits only after it has read most of its receive buffer.
//
// Close does not wait for any of that. It returns within about 100 ms even while
// the kernel's close(2) is stuck behind another link that is stalled. Use
// [Conn.Shutdown] to learn whether everything has arrived.
func (c *Conn) Close() error { return c.closeContext(context.Background()) }

// closeContext is Close, which waits no longer than until ctx is done.
func (c *Conn) closeContext(ctx context.Context) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	conns.remove(c.held)
	defer conns.justClosed(c.remote.Device)
	return c.opError(opClose, c.socket.CloseContext(ctx))
}

// ErrUnconfirmed is matched by the error of a Shutdown after which it cannot be
// known whether the peer has received everything: the connection has closed as
// if the peer had acknowledged it, but its link was gone a moment later. Devices
// that drop their link as soon as a connection is closed cause it, often without
// any loss. The error also matches ECONNABORTED.
var ErrUnconfirmed = btsocket.ErrUnconfirmed

// Shutdown waits until the kernel has sent all data that was written, closes the
// connection, and waits until the peer's Bluetooth stack has acknowledged the
// disconnect. Whatever the result, the connection is closed afterwards.
//
// A nil error means that the peer's stack has received the data of every Write
// that returned before. An application may not have read it yet, or never will.
// For one kind of loss the error is nil, too: a peer that closes its L2CAP channel
// without an RFCOMM disconnect, which the specification does not provide for,
// while data is in the kernel's L2CAP queue. A busy kernel loses the errno then.
// Where that matters, let the peer confirm in a protocol of your own.
//
// Shutdown takes as long as the peer does, so ctx should have a deadline. Pending
// calls are woken as by Close, a Write with its count, and the connection ends for
// duplicates of its descriptor, too. A non-nil error means that data may not have
// arrived. It matches
//
//   - the error of ctx, if ctx is done first; Shutdown returns then without
//     delay, and the kernel continues as after Close
//   - ECONNRESET if the peer closed the connection first; rarely also if it
//     acknowledged the disconnect and dropped its link at once
//   - ETIMEDOUT if the peer took nothing for 5 minutes, or did not answer the
//     disconnect within 20 s
//   - [ErrUnconfirmed] if the link was gone when the disconnect was over
//   - ECONNABORTED if the link was lost before that, for which the kernel may also
//     have another errno
//   - net.ErrClosed if Close is called before or meanwhile
//
// Shutdown must not be called by a function that runs in the connection's raw
// connection, since it waits for those. To rule out a link that was lost without
// a trace, it compares the list of the adapter's links (HCIGETCONNLIST) before and
// after.
func (c *Conn) Shutdown(ctx context.Context) error {
	if !c.ok() {
		return syscall.EINVAL
	}
	conns.markClosing(c.held)
	defer conns.justClosed(c.remote.Device)
	defer conns.remove(c.held)
	return c.opError(opClose, neterr.Context(c.socket.Shutdown(ctx, c.linkHandles())))
}

// linkHandles returns a function that returns the handle of the link that the
// connection runs over. Its first call looks up the adapter's index, so that later
// ones are fast: a device may drop its link as soon as it has acknowledged a
// close.
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

// Security returns how the link is protected now, which need not be what a
// Dialer asked for: SecurityLow if it is not encrypted, SecurityMedium if it
// is, SecurityHigh if in addition the kernel knows that the pairing was
// protected against a man in the middle.
//
// The kernel reports the latter only for Secure Connections (a P-256 key). A
// pairing of older devices, in which people compared numbers, reads as
// SecurityMedium, and so does one without any such protection ("just works").
//
// It reads the adapter's list of links (HCIGETCONNLIST), without privilege, for
// which it can wait for the kernel's lock of the adapter (hci_dev_lock). It fails
// with ENOTCONN if the link is gone.
func (c *Conn) Security() (Security, error) {
	if !c.ok() {
		return SecurityDefault, syscall.EINVAL
	}
	// The link may outlive the connection; a closed Conn says so all the same.
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

// SetDeadline sets the read and the write deadline, also for calls that wait
// already. Calls that pass it fail with an error that matches
// os.ErrDeadlineExceeded and is a timeout. The zero time means none.
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

// SetReadBuffer sets the size of the kernel's receive buffer in bytes. The peer
// is told to pause while it is full.
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

// File returns a duplicate of the connection's descriptor, for the caller to
// close. Close leaves the connection open as long as the duplicate is; Shutdown
// ends it for both. What one of them reads the other does not see, the end of
// the stream included.
func (c *Conn) File() (*os.File, error) {
	if !c.ok() {
		return nil, syscall.EINVAL
	}
	f, err := c.socket.File()
	return f, c.opError(opFile, err)
}

// SyscallConn returns a raw connection. Its functions must not read from or
// write to the descriptor while Read and Write are in use, nor ask it for
// SO_ERROR, which takes the end of the stream away from them. A function that
// runs on holds up the end of the descriptor, though not Close. As in package
// net, SyscallConn succeeds on a closed Conn too, and the methods of the raw
// connection return the error.
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
