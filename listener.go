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
// The kernel answers a device that connects before Accept is called; that one
// may have sent data by then, and if it hangs up before Accept it is forgotten,
// with its data. From each adapter of each device there can be one connection
// at a time.
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
// Where the ListenConfig asked for SecurityMedium or SecurityHigh, a connection
// over a link that is not encrypted is closed and gives an error that matches
// EACCES. That error is Temporary, so that accept loops such as that of
// http.Server go on.
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
// error that matches net.ErrClosed. Connections that were not accepted yet are
// closed; accepted ones stay. The channel is free when Close returns, unless the
// kernel is stuck behind a stalled link for more than 100 ms.
//
// The waiting connections are closed before the listener, one by one: to close
// it over them can bring RFCOMM on the whole machine to a halt, by a deadlock in
// the kernel. After [Listener.File] they are left alone, since the duplicate
// shares them; then whoever closes last should accept them first.
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
// close. Both accept from one queue.
func (l *Listener) File() (*os.File, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	f, err := l.listener.File()
	return f, l.opError("file", err)
}

// SyscallConn returns a raw connection, of which only Control can be used.
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
