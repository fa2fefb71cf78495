package l2cap

import (
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

var _ net.Listener = (*Listener)(nil)

// A Listener accepts L2CAP connections to a PSM. Its methods may be called from
// several goroutines at once, and errors are *net.OpError.
type Listener struct {
	listener *btsocket.Listener
	addr     Addr
}

func (l *Listener) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return network.OpError(op, nil, l.addr, err)
}

// Accept is [Listener.AcceptL2CAP].
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.AcceptL2CAP()
	if err != nil {
		return nil, err
	}
	return c, nil
}

// AcceptL2CAP waits for the next connection, until the listener's deadline. A
// connection that has ended meanwhile is skipped.
func (l *Listener) AcceptL2CAP() (*Conn, error) {
	c, err := l.accept()
	if err != nil {
		return nil, l.opError(opAccept, err)
	}
	return c, nil
}

// Close closes the listener and the connections that Accept has not returned,
// and wakes every Accept, which then fails with an error that matches
// net.ErrClosed.
func (l *Listener) Close() error { return l.opError(opClose, l.listener.Close()) }

// Addr returns the [Addr] of the listener.
func (l *Listener) Addr() net.Addr { return l.addr }

// SetDeadline sets the deadline for future and pending calls of Accept.
func (l *Listener) SetDeadline(t time.Time) error {
	return l.opError(opSet, l.listener.SetDeadline(t))
}
