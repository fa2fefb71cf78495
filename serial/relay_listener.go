package serial

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/go-rfcomm/rfcomm"
)

// A portListener makes each connection of a listener a Port.
type portListener struct {
	net.Listener
	newPort func(context.Context, net.Conn) (net.Conn, error)

	closed context.Context // done when the listener is closed
	close  context.CancelFunc
}

// PortListener returns a listener that accepts connections from l and hands each
// over to the kernel's tty driver: Accept returns a *[Port], for [Relay.Serve]
// with Lines. The connections of l must be of type *[rfcomm.Conn].
//
// If [NewPort] fails, so does Accept, and the connection is closed; the next
// Accept waits for another one. If l returns a connection of another type, the
// error matches errors.ErrUnsupported. Close closes l and ends a pending
// hand-over.
func PortListener(l net.Listener) net.Listener {
	closed, cancel := context.WithCancel(context.Background())
	return &portListener{Listener: l, newPort: portOf, closed: closed, close: cancel}
}

// portOf makes an RFCOMM connection a Port.
func portOf(ctx context.Context, conn net.Conn) (net.Conn, error) {
	c, ok := conn.(*rfcomm.Conn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("serial: a %T cannot be made a tty, only an *rfcomm.Conn: %w", conn, errors.ErrUnsupported)
	}
	p, err := NewPort(ctx, c)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (l *portListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	port, err := l.newPort(l.closed, conn)
	if err != nil && l.closed.Err() != nil {
		return nil, net.ErrClosed
	}
	return port, err
}

func (l *portListener) Close() error {
	l.close()
	return l.Listener.Close()
}
