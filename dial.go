package rfcomm

import (
	"context"
	"net"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

// A Dialer contains options for connecting to an address. The zero value of
// each field is equivalent to dialing without that option. Several goroutines
// may use a Dialer at once.
type Dialer struct {
	// Timeout is the maximum time a dial may take. The default is no timeout.
	// The kernel itself gives up after about 5 s if the device is unreachable,
	// after 30 s if it does not answer, and after about 50 s if the link
	// stalls.
	//
	// Unlike 6.1, Linux 6.12 pages one device at a time on each adapter. If the
	// device has no link yet, the dial waits another 5 s for each unreachable
	// device dialed before it. Cancelling those dials does not help, since
	// their pages continue. A dial that waits for more than 30 s fails with
	// ETIMEDOUT.
	Timeout time.Duration

	// Deadline is the absolute time after which dials fail. If Timeout is set
	// as well, the earlier of the two applies. The default is no deadline.
	Deadline time.Time

	// LocalAddr is the address of the adapter to dial from. Its Channel must
	// be 0. If LocalAddr is zero, the kernel picks an adapter.
	LocalAddr Addr

	// Security is the protection that the link must have. If the link does not
	// have it, the dial fails with an error that matches EACCES. The check is
	// made when the dial returns, and does not notice if encryption is switched
	// off later. The default is no requirement.
	//
	// SecurityMedium and SecurityHigh require an encrypted link. For
	// SecurityHigh, the kernel also checks the pairing, but only if the dial
	// opens the link: over an open link, a dial connects at the level of the
	// link's first connection. A dial at SecurityHigh over an open link
	// therefore fails, unless the link shows its protection (see
	// [Conn.Security]) or an open connection of this process opened the link
	// at SecurityHigh. A link that another program opens in the moment before
	// the dial connects is taken for the dial's own.
	Security Security

	// ControlContext, if not nil, is called with each new socket after it is
	// created and before it is bound or connected. A dial that retries creates
	// a new socket for each attempt. Only the Control method of c can be used.
	// Network is "rfcomm"; address is the one dialed, as Addr.String formats
	// it.
	ControlContext func(ctx context.Context, network, address string, c syscall.RawConn) error
}

// DialContext connects to an address in the form that [ParseAddr] accepts. The
// network must be "rfcomm". The connection is always a *[Conn]. See
// [Dialer.DialRFCOMM], and [Dialer.DialHost] for programs that dial hosts and
// ports, such as net/http.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if err := rfcommNetwork.Check(network); err != nil {
		return nil, opError(opDial, d.LocalAddr.source(), nil, err)
	}
	return d.dialParsed(ctx, address, ParseAddr)
}

// DialHost is like [Dialer.DialContext] for programs that name a server by a
// host and a port, such as those with URLs. It can be the DialContext of an
// http.Transport. The network must be "tcp" or "rfcomm".
//
// Address consists of a device address with dashes, in upper or lower case, and
// the channel as the port: "01-23-45-67-89-AB:20", as in the URL
// http://01-23-45-67-89-AB:20/. A URL without a port does not work, because the
// default port of its scheme is not an RFCOMM channel.
//
// Two adapters can have only one connection to a channel at a time. Set
// MaxConnsPerHost of an http.Transport to 1, so that parallel requests wait for
// the connection instead of failing with EBUSY.
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
// context's. Once connected, ctx has no effect on the connection.
//
// The kernel cannot cancel a page. The page continues for a few seconds after
// ctx is done, and a device that answers the page sees a connection that closes
// immediately. Until the page ends, the next dial to the same channel uses that
// page.
//
// A connection that is still closing can prevent the next one to the same
// channel, or take it down. DialRFCOMM therefore retries with growing pauses
//
//   - for up to 5 s, if the kernel returns EBUSY or ECONNRESET for that reason,
//     EALREADY because it requested the link twice, ENOMEM or ECONNABORTED
//     because a link to the device was being taken down, ENOTCONN because
//     another program had given up a page of the device, or EPROTO because both
//     devices began to pair at the same moment
//   - for up to 100 ms after ECONNREFUSED, if this process closed a connection
//     to the device in the last 3 s
//   - for up to 100 ms after EBUSY, if this process has the channel open, since
//     it may be about to call Close
//
// It does not retry if the device disconnected after waiting for pairing. If
// ctx or the deadline ends the dial after a failed attempt, the error matches
// both the cancellation or timeout and the errno of that attempt.
//
// Two devices that dial each other at the same moment, without a link between
// them, can crash Linux 6.1 (rfcomm_check_security). On 6.12 such dials rarely
// fail: one side gets EALREADY, the other ETIMEDOUT after 30 s.
//
// The errors are *net.OpError. Those of the kernel match their errno alone, as
// the package comment describes:
//
//   - EHOSTDOWN: the device is off, asleep, out of range, or not connectable;
//     or it has forgotten this machine; or raddr is its LE address
//   - ECONNREFUSED: nothing listens on the channel, or its queue is full; or the
//     device requires pairing or encryption, or a question about pairing is
//     still unanswered
//   - ECONNRESET: the device disconnected at every attempt, or waited for
//     pairing
//   - EBUSY: the channel is already open, here or in another program, or still
//     closing
//   - EALREADY: the kernel lost the link because the device or another program
//     dialed at the same moment; switching the adapter off and on helps
//   - ECONNABORTED: the adapter was switched off or removed, or the link was
//     being closed at every attempt
//   - ENOMEM: the link to the device was being taken down at every attempt, for
//     example after a failed authentication
//   - ENOTCONN: the link was gone when Security was checked; or other programs
//     gave up their pages of the device at every attempt
//   - ENOSYS: the link ended for a reason without an errno, or the adapter gave
//     up a pairing that nobody confirmed
//   - EPROTO: both devices began to pair at the same moment, at every attempt,
//     or one adapter rejected a message of the other
//   - EHOSTUNREACH: no adapter is up, or not that of LocalAddr; or raddr is the
//     address of the only adapter
//   - EACCES, EBADE: the devices are not paired, one has lost the key, or
//     pairing was declined; or the link does not have the level of Security
//   - ETIMEDOUT: the device did not answer, or its user did not confirm the
//     pairing
//   - EAFNOSUPPORT: the kernel has no Bluetooth, or not in this network
//     namespace, such as that of a container
//   - EPROTONOSUPPORT: the kernel module rfcomm is not loaded
//
// On other platforms the error matches errors.ErrUnsupported.
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

// dial checks the arguments and options before any socket is created, and
// connects.
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
	ctx, cancel := redial.WithDeadline(ctx, d.Timeout, d.Deadline)
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

// checkAdapter returns an error unless address is that of an adapter of this
// machine, or zero for any adapter. The kernel does not check: it binds to any
// address (rfcomm_sock_bind).
func checkAdapter(address BDAddr) error {
	if address.IsZero() {
		return nil
	}
	_, err := hci.FindAddress(address)
	return err
}
