package serial

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// A ttyNode is the node of a Device that is a tty of the kernel. This process
// keeps it open, so that it stays while programs open and close it.
type ttyNode struct {
	device  *Device
	port    *Port
	exclude *exclusion
	ending  sync.Once
	ended   atomic.Bool // the connection
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
	stop := context.AfterFunc(n.device.ctx, n.close)
	defer stop()
	cause := n.port.awaitEnd()
	n.ended.Store(true)
	if n.device.ctx.Err() != nil {
		cause = nil
	}
	n.device.disconnected(n.port.RemoteAddr(), cause)
	return cause
}

// close ends the connection for all programs. The node disappears when the last
// of them closes it.
func (n *ttyNode) close() {
	n.ending.Do(func() {
		n.exclude.stop()
		if !n.ended.Load() {
			n.port.SetWriteDeadline(time.Now().Add(flushTime))
			n.port.Drain()
			n.port.hangUp()
		}
		n.port.Close()
	})
}
