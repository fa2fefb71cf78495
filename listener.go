package rfcomm

import (
	"net"
	"os"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

var (
	_ net.Listener = (*Listener)(nil)
	_ syscall.Conn = (*Listener)(nil)
)

// A Listener accepts RFCOMM connections on a channel. It implements
// [net.Listener]: its methods may be called from several goroutines at once,
// and errors are *net.OpError.
//
// The kernel completes connections before Accept is called. A peer that
// disconnects before Accept is discarded together with the data it sent. From
// each adapter of each device there can be one connection at a time.
//
// A Listener survives its adapter without any event: connections come again
// when the adapter is back.
type Listener struct {
	listener *btsocket.Listener
	addr     Addr
	security Security
}

func (l *Listener) ok() bool { return l != nil && l.listener != nil }

func (l *Listener) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return opError(op, nil, l.addr, err)
}

// Accept waits for the next connection. It is always a *[Conn]. See
// [Listener.AcceptRFCOMM].
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptRFCOMM()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptRFCOMM waits for the next connection, until the listener's deadline.
//
// If the ListenConfig asked for SecurityMedium or SecurityHigh, AcceptRFCOMM
// closes and skips a connection over a link that is not encrypted, or that ends
// meanwhile. Its errors are those of the listener, not of a peer. To look at the
// link, it can wait for the kernel's lock of the adapter (hci_dev_lock),
// regardless of the deadline.
func (l *Listener) AcceptRFCOMM() (*Conn, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	c, err := l.accept()
	if err != nil {
		return nil, l.opError("accept", err)
	}
	return c, nil
}

// Close closes the listener and wakes every Accept, which then fails with an
// error that matches net.ErrClosed. Pending connections are closed; accepted
// ones stay open. The channel is free when Close returns, unless the kernel is
// blocked by a stalled link for more than 100 ms.
//
// Before the listener, Close closes the pending connections one by one,
// half-open ones included. Left to the kernel, they can stop RFCOMM on the
// whole machine by a deadlock: on Linux 6.1 a half-open connection always does,
// such as that of an unpaired device to a listener at SecurityMedium. A
// connection that arrives in the microseconds between the two steps still can.
// So can a process that is killed or exits without Close.
//
// Pending connections belong to the socket and thus to all its descriptors.
// After [Listener.File], and for a listener from [FileListener], Close leaves
// them to the other users. The last user should close them: set the socket
// option BT_DEFER_SETUP (level SOL_BLUETOOTH, option 7) to 1, so that Accept
// returns half-open connections too, then call Accept until a deadline passes,
// and close each connection without reading from it.
func (l *Listener) Close() error {
	if !l.ok() {
		return syscall.EINVAL
	}
	return l.opError("close", l.listener.Close())
}

// Addr returns the address that the listener has, as an [Addr]: with the
// channel that the kernel picked if 0 was asked for.
func (l *Listener) Addr() net.Addr {
	if !l.ok() {
		return nil
	}
	return l.addr
}

// SetDeadline sets the deadline of Accept, also of one that waits already. The
// zero time means none.
func (l *Listener) SetDeadline(t time.Time) error {
	if !l.ok() {
		return syscall.EINVAL
	}
	return l.opError("set", l.listener.SetDeadline(t))
}

// File returns a duplicate of the listener's descriptor, for the caller to
// close. Both accept from one queue, which [Listener.Close] then leaves alone.
func (l *Listener) File() (*os.File, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	f, err := l.listener.File()
	return f, l.opError("file", err)
}

// SyscallConn returns a raw connection, of which only Control can be used. Its
// function must not duplicate the descriptor; use [Listener.File] for that.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	return rawListener{l}, nil
}

// rawListener is the raw connection of a Listener.
type rawListener struct{ l *Listener }

func (r rawListener) Control(f func(fd uintptr)) error {
	return r.l.opError("raw-control", r.l.listener.RawControl(f))
}

func (rawListener) Read(func(fd uintptr) bool) error  { return syscall.EINVAL }
func (rawListener) Write(func(fd uintptr) bool) error { return syscall.EINVAL }
