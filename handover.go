package rfcomm

import (
	"net"

	"github.com/go-rfcomm/rfcomm/internal/handover"
)

func init() {
	handover.Conn = func(s handover.Socket) (net.Conn, handover.Held, error) {
		c, err := connHandedOver(s)
		if err != nil {
			return nil, nil, opError(opFile, nil, fileAddr("descriptor from another process"), err)
		}
		return c, handedConn{c.held}, nil
	}
}

// A handedConn is a connection from another process.
type handedConn struct{ held *heldConn }

// Connected reports whether the connection has not ended.
func (h handedConn) Connected() bool { return h.held.open() }

// End ends the connection for all duplicates of its descriptor.
func (h handedConn) End() {
	if socket := h.held.socket.Value(); socket != nil {
		socket.End()
	}
}
