package rfcomm

import (
	"context"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

var (
	_ net.Listener    = (*Listener)(nil)
	_ syscall.Conn    = (*Listener)(nil)
	_ syscall.RawConn = rawListener{}
)

// A ListenConfig contains options for listening on an address. Several
// goroutines may use a ListenConfig at once.
type ListenConfig struct {
	// Backlog is the maximum number of connections that are pending until
	// Accept. The kernel admits one more, and limits the number to the sysctl
	// net.core.somaxconn. The default is SOMAXCONN.
	Backlog int

	// Security is the protection that the link to a peer must have. The kernel
	// checks the level of each connection, for SecurityMedium as well as
	// SecurityHigh. At both levels, Accept also closes and skips connections
	// over a link that is not encrypted. Both checks are made before Accept
	// returns: they do not notice if encryption is switched off later. The
	// default is no requirement.
	Security Security

	// Control, if not nil, is called with the new socket after it is created
	// and before it is bound. If another program takes the channel at the same
	// moment, Control is called again with another socket. Only the Control
	// method of c can be used. Network is "rfcomm"; address is the one to
	// listen on, as Addr.String formats it.
	Control func(network, address string, c syscall.RawConn) error
}

// Listen listens on an address in the form that [ParseAddr] accepts. The
// network must be "rfcomm". The listener is always a *[Listener]. See
// [ListenConfig.ListenRFCOMM].
func (lc *ListenConfig) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	if err := rfcommNetwork.Check(network); err != nil {
		return nil, opError(opListen, nil, nil, err)
	}
	laddr, err := ParseAddr(address)
	if err != nil {
		return nil, opError(opListen, nil, nil, err)
	}
	listener, err := lc.ListenRFCOMM(ctx, laddr)
	if err != nil {
		return nil, err
	}
	return listener, nil
}

// ListenRFCOMM listens on laddr: on a channel, 1 to 30, of one adapter or, if
// the Device is zero, of every adapter. If the channel is 0, ListenRFCOMM picks
// the first free one, which [Listener.Addr] reports. If ctx is already done,
// ListenRFCOMM returns its error.
//
// The kernel lets a listener on an adapter's address and a listener on every
// adapter share a channel. The former then receives all connections to its
// adapter, the latter none. ListenRFCOMM therefore returns EADDRINUSE if laddr
// names an adapter and a listener of any program, including this one, has the
// channel on every adapter, or the reverse. A program that binds an adapter's
// address later still takes the channel. ListenRFCOMM does not detect listeners
// on the address of an unplugged adapter.
//
// To find such listeners, ListenRFCOMM binds sockets to their addresses for a
// moment, during which other programs get EADDRINUSE. ListenRFCOMM makes 10
// attempts, with pauses of up to 5 ms, before it returns EADDRINUSE itself, so
// that programs that call it at the same time do not fail because of each
// other.
//
// The errors are *net.OpError. Those of the kernel match their errno:
// EADDRINUSE if the channel is in use, or if the channel is 0 and none is free;
// EAFNOSUPPORT and EPROTONOSUPPORT as for [Dialer.DialRFCOMM]. On other
// platforms the error matches errors.ErrUnsupported.
func (lc *ListenConfig) ListenRFCOMM(ctx context.Context, laddr Addr) (*Listener, error) {
	listener, err := lc.listen(ctx, laddr)
	if err != nil {
		return nil, opError(opListen, nil, laddr, err)
	}
	return listener, nil
}

// listen checks the address and the options before any socket is created, and
// listens.
func (lc *ListenConfig) listen(ctx context.Context, laddr Addr) (*Listener, error) {
	if err := checkChannel(laddr.Channel, 0); err != nil {
		return nil, err
	}
	if lc.Backlog < 0 {
		return nil, fmt.Errorf("negative backlog %d; 0 means the maximum", lc.Backlog)
	}
	if err := lc.Security.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, neterr.Context(err)
	}
	if err := checkAdapter(laddr.Device); err != nil {
		return nil, err
	}
	return lc.claim(ctx, laddr)
}

// A Listener accepts RFCOMM connections on a channel. It implements
// [net.Listener]: its methods may be called from several goroutines at once,
// and errors are *net.OpError.
//
// The kernel completes connections before Accept is called. A peer that
// disconnects before Accept is discarded together with the data it sent. From
// each adapter of each device there can be one connection at a time.
//
// If its adapter is unplugged or powered off, a Listener reports no error. It
// accepts connections again once the adapter is back.
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

// Accept waits for the next connection, which is always a *[Conn]. See
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
// If the ListenConfig requires SecurityMedium or SecurityHigh, AcceptRFCOMM
// closes and skips a connection if its link is not encrypted or ends meanwhile.
// Errors are therefore those of the listener, not of a peer, and a loop can end
// on them. To inspect the link, AcceptRFCOMM can wait for the kernel's lock of
// the adapter (hci_dev_lock), regardless of the deadline.
func (l *Listener) AcceptRFCOMM() (*Conn, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	c, err := l.accept()
	if err != nil {
		return nil, l.opError(opAccept, err)
	}
	return c, nil
}

// Close closes the listener and wakes every Accept, which then fails with an
// error that matches net.ErrClosed. Pending connections are closed; accepted
// ones stay open. The channel is free when Close returns, unless the kernel is
// blocked by a stalled link for more than 100 ms.
//
// Always call Close before the process ends. It closes the pending connections
// one by one, including half-open ones, before it closes the listener. If the
// kernel closes them instead, as it does when a process is killed or exits
// without Close, that can stop RFCOMM on the whole machine by a deadlock. On
// Linux 6.1 a half-open connection always does, such as that of an unpaired
// device to a listener at SecurityMedium, and only a reboot helps. A connection
// that arrives in the microseconds between the two steps of Close still can.
//
// Pending connections belong to the socket and thus to all its descriptors.
// After [Listener.File], and for a listener from [FileListener], Close leaves
// them to the other users. The last user should close them: set the socket
// option BT_DEFER_SETUP (level SOL_BLUETOOTH, option 7) to 1, so that Accept
// also returns half-open connections, then call Accept until a deadline passes,
// and close each connection without reading from it.
func (l *Listener) Close() error {
	if !l.ok() {
		return syscall.EINVAL
	}
	return l.opError(opClose, l.listener.Close())
}

// Addr returns the listener's address, as an [Addr]. If the requested channel
// was 0, its Channel is the one that was picked.
func (l *Listener) Addr() net.Addr {
	if !l.ok() {
		return nil
	}
	return l.addr
}

// SetDeadline sets the deadline for future and pending calls of Accept. A zero
// value for t means that Accept does not time out.
func (l *Listener) SetDeadline(t time.Time) error {
	if !l.ok() {
		return syscall.EINVAL
	}
	return l.opError(opSet, l.listener.SetDeadline(t))
}

// File returns a duplicate of the listener's descriptor. The caller must close
// it. Both descriptors accept from the same queue, and [Listener.Close] no
// longer closes the pending connections.
func (l *Listener) File() (*os.File, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	f, err := l.listener.File()
	return f, l.opError(opFile, err)
}

// SyscallConn returns a raw connection of which only the Control method can be
// used. The function passed to Control must not duplicate the descriptor; use
// [Listener.File] for that.
func (l *Listener) SyscallConn() (syscall.RawConn, error) {
	if !l.ok() {
		return nil, syscall.EINVAL
	}
	return rawListener{l}, nil
}

// rawListener is the raw connection of a Listener.
type rawListener struct{ l *Listener }

func (r rawListener) Control(f func(fd uintptr)) error {
	return r.l.opError(opRawControl, r.l.listener.RawControl(f))
}

func (rawListener) Read(func(fd uintptr) bool) error  { return syscall.EINVAL }
func (rawListener) Write(func(fd uintptr) bool) error { return syscall.EINVAL }
