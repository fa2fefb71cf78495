package rfcomm

import (
	"context"
	"net"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// A Dialer contains options for connecting to an address. The zero value of
// each field stands for dialing without that option. It may be used by several
// goroutines at once.
type Dialer struct {
	// Timeout is the maximum time a dial may take. The default is no timeout.
	// The kernel itself gives up after about 5 s if the device is unreachable,
	// after 30 s if it does not answer, and after about 50 s if the link
	// stalls.
	//
	// Linux 6.12 pages one device at a time on each adapter, unlike 6.1. A dial
	// without a link waits another 5 s for each unreachable device dialed
	// before it. Cancelling those dials does not help, since their pages
	// continue. A dial that has to wait for more than 30 s fails with
	// ETIMEDOUT.
	Timeout time.Duration

	// Deadline is the time at which dials fail. With a Timeout as well, the
	// earlier of the two counts.
	Deadline time.Time

	// LocalAddr is the adapter to dial from; its Channel must be 0. If zero,
	// the kernel picks an adapter.
	LocalAddr Addr

	// Security is the protection to ask for. A dial that does not get it fails
	// with an error that matches EACCES. The check is made when the dial
	// returns: it does not notice that encryption is switched off later.
	//
	// SecurityMedium needs an encrypted link. So does SecurityHigh, for which
	// the kernel also checks the pairing, but only if the dial opens the link:
	// over a link that is open already, a dial connects at the level of the
	// first connection. A dial at SecurityHigh over such a link therefore
	// fails, unless the link shows its protection (see [Conn.Security]) or an
	// open connection of this process has opened it at SecurityHigh. A link
	// that another program opens in the moment before the dial connects is
	// taken for the dial's own.
	Security Security

	// ControlContext, if not nil, is called with each new socket after it is
	// made and before it is bound or connected; a dial that tries again makes
	// a new one. Of c only Control may be used. Network is "rfcomm", address
	// the one dialed, as Addr.String writes it.
	ControlContext func(ctx context.Context, network, address string, c syscall.RawConn) error
}

// DialContext connects to an address as [ParseAddr] takes it, on the network
// "rfcomm". The connection is always a *[Conn]. See [Dialer.DialRFCOMM], and
// [Dialer.DialHost] for programs that dial hosts and ports, such as net/http.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := rfcommNetwork.Check(network); err != nil {
		return nil, opError(opDial, d.LocalAddr.source(), nil, err)
	}
	return d.dialParsed(ctx, address, ParseAddr)
}

// DialHost is like [Dialer.DialContext] for programs that name a server by a
// host and a port, such as those with URLs. It can be the DialContext of an
// http.Transport. Address is a device address with dashes, in upper or lower
// case, and the channel as the port: "01-23-45-67-89-AB:20", as in the URL
// http://01-23-45-67-89-AB:20/. A URL without a port does not work, because
// its scheme stands for a port that is not an RFCOMM channel. Network must be
// "tcp" or "rfcomm".
//
// Between two adapters only one connection to a channel is possible at a time.
// Set MaxConnsPerHost of an http.Transport to 1, so that parallel requests wait
// for the connection instead of failing with EBUSY.
func (d *Dialer) DialHost(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		if err := rfcommNetwork.Check(network); err != nil {
			return nil, opError(opDial, d.LocalAddr.source(), nil, err)
		}
	}
	return d.dialParsed(ctx, address, parseHostPort)
}

// dialParsed dials an address that parse accepts.
func (d *Dialer) dialParsed(ctx context.Context, address string, parse func(string) (Addr, error)) (net.Conn, error) {
	raddr, err := parse(address)
	if err != nil {
		return nil, opError(opDial, d.LocalAddr.source(), nil, err)
	}
	conn, err := d.DialRFCOMM(ctx, raddr)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// DialRFCOMM connects to raddr. If ctx is done before the connection is
// complete, DialRFCOMM returns at once with an error that matches the
// context's; once connected, ctx has no effect on the connection. The kernel
// cannot cancel the page. It continues for some seconds after ctx is done, and
// a device that answers sees a connection that closes immediately. Until then
// the next dial to the same channel uses the same page.
//
// A connection that is still closing stands in the way of the next one to the
// same channel, and can take it down with it. DialRFCOMM retries with growing
// pauses, for up to 5 s, if the kernel returns EBUSY or ECONNRESET for that
// reason; EALREADY, because the kernel requested the link twice; ENOMEM or
// ECONNABORTED, because a link to the device was being taken down. It retries
// for up to 100 ms after ECONNREFUSED if this process closed a connection to
// the device in the last 3 s, and after EBUSY if this process has the channel
// open, since its Close may be about to be called. It does not retry if the device hung up after waiting for
// pairing. If ctx or the deadline ends the dial after a failed attempt, the
// error matches both that and the errno of that attempt.
//
// Two devices that dial each other at the same moment, without a link between
// them, can crash Linux 6.1 (rfcomm_check_security). On 6.12 such dials rarely
// fail: one side gets EALREADY, the other ETIMEDOUT after 30 s.
//
// Its errors are *net.OpError. Those of the kernel match their errno:
//
//   - EHOSTDOWN: the device is off, asleep, out of range, or not connectable;
//     or it has forgotten this machine; or the address is its LE address
//   - ECONNREFUSED: nothing listens on the channel, or the device asks for
//     pairing or encryption, or a question about pairing is still open
//   - ECONNRESET: the device hung up at every attempt, or waited for pairing
//   - EBUSY: the channel is open already, or still closing
//   - EALREADY: the kernel lost the link when the device or another program
//     dialed at the same moment; switching the adapter off and on helps
//   - ECONNABORTED: the adapter was switched off or removed, or the link was
//     being closed at every attempt
//   - ENOMEM: the link to the device was being taken down, as after a failed
//     authentication
//   - ENOTCONN: the link was gone when Security was checked
//   - ENOSYS: the link ended for a reason without an errno
//   - EHOSTUNREACH: no adapter is up, or raddr is the address of the only one
//   - EACCES, EBADE: the devices are not paired, or a key is gone, or the
//     question whether to pair was declined; or the link does not have the
//     level that Security asks for
//   - ETIMEDOUT: no answer, or nobody confirmed the pairing
//   - EAFNOSUPPORT, EPROTONOSUPPORT: the kernel has no Bluetooth here, or its
//     module rfcomm is not loaded
//
// They match that errno alone: use errors.Is(err, syscall.EHOSTDOWN), or
// errors.As with a *syscall.Errno. The *os.SyscallError in the *net.OpError
// holds a value that adds the likely cause, not a bare syscall.Errno. It also
// matches less: ETIMEDOUT is not a timeout, which only deadlines are; EACCES
// does not match fs.ErrPermission, nor ENOSYS errors.ErrUnsupported.
//
// On systems other than Linux the error matches errors.ErrUnsupported.
func (d *Dialer) DialRFCOMM(ctx context.Context, raddr Addr) (*Conn, error) {
	if ctx == nil {
		panic("nil context")
	}
	conn, err := d.dial(ctx, raddr)
	if err != nil {
		return nil, opError(opDial, d.LocalAddr.source(), raddr, err)
	}
	return conn, nil
}

// dial checks everything that can be checked before there is a socket.
func (d *Dialer) dial(ctx context.Context, raddr Addr) (*Conn, error) {
	if raddr.Device.IsZero() {
		return nil, &net.AddrError{Err: "missing device address: a dial needs one, as in [01:23:45:67:89:AB]:11", Addr: raddr.String()}
	}
	if err := checkChannel(raddr.Channel, minChannel); err != nil {
		return nil, err
	}
	if d.LocalAddr.Channel != 0 {
		return nil, &net.AddrError{Err: "local channel must be 0: a connection has the channel of the server", Addr: d.LocalAddr.String()}
	}
	if err := d.Security.check(); err != nil {
		return nil, err
	}
	ctx, cancel := d.withDeadline(ctx)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, neterr.Context(err)
	}
	local := d.LocalAddr.Device
	if err := checkAdapter(local); err != nil {
		return nil, err
	}
	return d.connect(ctx, local, raddr)
}

// withDeadline adds the dialer's own limits of time to ctx.
func (d *Dialer) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline := d.Deadline
	if d.Timeout != 0 {
		if byTimeout := time.Now().Add(d.Timeout); deadline.IsZero() || byTimeout.Before(deadline) {
			deadline = byTimeout
		}
	}
	if deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline)
}

// checkAdapter refuses addresses of no adapter, which the kernel would bind to
// (rfcomm_sock_bind). The zero address is any adapter.
func checkAdapter(address BDAddr) error {
	if address.IsZero() {
		return nil
	}
	_, err := adapterByAddr(address)
	return err
}
