package serial

import (
	"context"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

var _ net.Conn = (*Port)(nil)

// A Port is an RFCOMM connection that the kernel presents as a tty, for use by
// this program. Unlike an [rfcomm.Conn] it has modem signals.
//
// A Port implements [net.Conn]: its methods may be called from several
// goroutines at once, and errors are *net.OpError, except for the bare io.EOF of
// Read. After Close, they match net.ErrClosed.
//
// The tty is in raw mode, so it transfers all byte values unaltered, and it is
// exclusive (TIOCEXCL): another program without CAP_SYS_ADMIN that opens it gets
// EBUSY.
type Port struct {
	tty           *tty
	local, remote rfcomm.Addr

	// outputs holds the outputs as they were last set. A connection starts
	// with both set.
	outputs outputs
}

// NewPort hands a connection over to the kernel's tty driver and opens the tty,
// such as /dev/rfcomm0. The Port owns the connection: NewPort closes c, and
// neither c nor its duplicates can be used any more, even if NewPort fails. On
// failure, the connection ends and the tty is removed.
//
// NewPort needs no privilege to make the tty, but the permission to open it.
// Usually udev grants it to group dialout a moment after the tty has appeared.
// NewPort retries for up to 3 s and then fails with an error that matches EACCES,
// or ENOENT if the tty has not appeared, as in a container whose /dev is not the
// kernel's. If ctx is done first, the error matches that of ctx. Other errors
// match the errno of the kernel:
//
//   - ECONNRESET if the peer has closed the connection, and any other errno of
//     [rfcomm.Conn.Read] if the link was lost; received data is lost
//   - EOPNOTSUPP if the kernel has no RFCOMM ttys (CONFIG_BT_RFCOMM_TTY)
//   - ENFILE if 256 ttys exist
//
// Read returns data that has arrived before NewPort first. Data that arrives while
// NewPort waits for the node is not altered either. But the tty starts in cooked
// mode, so data that arrives within the microseconds from the last look into the
// socket to the making of the tty, or from its open to raw mode, may be altered and
// echoed to the peer. In a slow virtual machine, this happened to 3 of
// 100 greetings that were sent within 1 ms after the connection, and to 12 of 100
// peers that sent without a pause.
func NewPort(ctx context.Context, c *rfcomm.Conn) (*Port, error) {
	return newPort(ctx, c, portOptions{exclusive: true})
}

// portOptions distinguish the Port of this program from that of a Device.
type portOptions struct {
	exclusive bool // no other program can open the tty
	undrained bool // data that has arrived is left to the readers of the tty
}

func newPort(ctx context.Context, c *rfcomm.Conn, o portOptions) (*Port, error) {
	local, _ := c.LocalAddr().(rfcomm.Addr)
	remote, _ := c.RemoteAddr().(rfcomm.Addr)
	tty, err := handOver(ctx, c, local, remote, o)
	if err != nil {
		return nil, network.OpError(opOpen, local, remote, err)
	}
	return &Port{tty: tty, local: local, remote: remote, outputs: newOutputs()}, nil
}

// Name returns the path of the tty, such as "/dev/rfcomm0".
func (p *Port) Name() string { return p.tty.name }

// Read reads received data, at least one byte, into b. If the peer has closed
// the connection, Read returns io.EOF. If the link was lost, Read returns an
// error that matches the same errno as that of [rfcomm.Conn.Read] and is not a
// timeout.
//
// The kernel discards received data that has not been read when the connection
// ends (tty_ldisc_hangup), even while a Read waits. When the peer closed right
// after it had sent 100 bytes, a Port in a slow virtual machine received none of
// them in 17 of 30 cases. Let the peer wait for an answer before it closes, or use
// an [rfcomm.Conn], which loses nothing.
func (p *Port) Read(b []byte) (int, error) {
	n, err := p.tty.read(b)
	return n, p.opError(opRead, err)
}

// Write writes b. It waits while the peer accepts no data, until the write
// deadline; less than 100 kB can be queued. If the connection ends first, Write
// returns the number of bytes that the kernel has accepted, and an error that
// matches ECONNRESET if the peer closed the connection, or else the errno of
// Read. A nil error means that the data is queued in the kernel, see
// [Port.Drain].
func (p *Port) Write(b []byte) (int, error) {
	n, err := p.tty.write(b)
	return n, p.opError(opWrite, err)
}

// Drain waits until the kernel has passed everything that was written on to the
// link, until the write deadline. The kernel's own tcdrain does not wait, so
// Drain looks at the queue every few milliseconds.
func (p *Port) Drain() error { return p.opError(opDrain, p.tty.drain()) }

// Close closes the tty, ends the connection and wakes every pending call. If
// data is queued, Close waits up to 2 s for the peer to accept it; the peer loses
// the rest. The kernel removes the tty a moment after the last program has closed
// it.
//
// Close returns within about 100 ms after that, even if the kernel's close(2) is
// blocked by a stalled link.
func (p *Port) Close() error { return p.localError(opClose, p.tty.close()) }

// LocalAddr returns the adapter's address and the channel, as an [rfcomm.Addr].
func (p *Port) LocalAddr() net.Addr { return p.local }

// RemoteAddr returns the peer's address and the channel, as an [rfcomm.Addr].
func (p *Port) RemoteAddr() net.Addr { return p.remote }

// SetDeadline sets the read and write deadlines, for future and pending calls.
func (p *Port) SetDeadline(t time.Time) error { return p.localError(opSet, p.tty.setDeadline(t)) }

// SetReadDeadline sets the deadline of Read.
func (p *Port) SetReadDeadline(t time.Time) error {
	return p.localError(opSet, p.tty.setReadDeadline(t))
}

// SetWriteDeadline sets the deadline of Write and Drain.
func (p *Port) SetWriteDeadline(t time.Time) error {
	return p.localError(opSet, p.tty.setWriteDeadline(t))
}

// awaitEnd waits for the end of the connection without reading from the tty. It
// returns io.EOF if the peer closed, and otherwise an error as Read does. Close
// wakes it.
func (p *Port) awaitEnd() error { return p.opError(opRead, p.tty.awaitEnd()) }

// network describes the errors of ttys.
var network = neterr.Network{Name: "rfcomm", Hints: hints}

// Operation names, the Op of a net.OpError.
const (
	opBind    = "bind"
	opClose   = "close"
	opDrain   = "drain"
	opList    = "list"
	opOpen    = "open tty"
	opRead    = "read"
	opRelease = "release"
	opSet     = "set"
	opWrite   = "write"
)
