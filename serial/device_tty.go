package serial

import (
	"context"
	"net"

	"github.com/go-rfcomm/rfcomm"
)

// A ttyNode is the node of a Device that is a tty of the kernel. This process
// keeps it open, so that it stays while programs open and close it.
type ttyNode struct {
	device  *Device
	port    *Port
	exclude *exclusion
}

func (d *Device) newTTYNode(ctx context.Context, conn net.Conn) (*ttyNode, error) {
	c, ok := conn.(*rfcomm.Conn)
	if !ok {
		return nil, errNoTTY
	}
	port, err := newPort(ctx, c, portOptions{undrained: true})
	if err != nil {
		return nil, err
	}
	return &ttyNode{device: d, port: port, exclude: watchExclusion(port.Name(), port.endExclusiveUse)}, nil
}

func (n *ttyNode) name() string { return n.port.Name() }
func (n *ttyNode) kind() Kind   { return TTY }

func (n *ttyNode) serve() error {
	stop := context.AfterFunc(n.device.ctx, n.hangUp)
	defer stop()
	cause := n.port.awaitEnd()
	if n.device.ctx.Err() != nil {
		cause = nil
	}
	n.device.disconnected(n.port.RemoteAddr(), cause)
	return cause
}

func (n *ttyNode) hangUp() { n.port.Close() }

func (n *ttyNode) close() {
	n.exclude.stop()
	n.port.Close()
}
