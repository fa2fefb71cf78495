package serial

import (
	"context"
	"net"
	"time"
)

// A node is what programs open: a ptyNode or a ttyNode.
type node interface {
	name() string
	kind() Kind

	// serve carries the data of the connection until it has ended, and returns
	// the cause as Read reports it. Afterwards the connection is closed, and
	// programs have had time to read their data.
	serve() error

	// close hangs up the programs and removes the node.
	close()
}

// begin makes the first connection, and its node.
func (d *Device) begin(ctx context.Context) (node, error) {
	conn, err := d.options.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return d.present(ctx, conn)
}

// present makes the node of a connection, which it owns.
func (d *Device) present(ctx context.Context, conn net.Conn) (node, error) {
	n, reason, err := d.newNode(ctx, conn)
	if err != nil {
		return nil, err
	}
	if err := d.publish(n, reason); err != nil {
		n.close()
		return nil, err
	}
	d.connected(conn.RemoteAddr(), 0)
	return n, nil
}

// publish makes the node known by its name, and reports it.
func (d *Device) publish(n node, reason string) error {
	if d.link != nil {
		if err := d.link.point(n.name()); err != nil {
			return err
		}
	}
	d.mu.Lock()
	d.node, d.nodeKind = n.name(), n.kind()
	d.mu.Unlock()
	d.report(Event{State: StateOpen, Reason: reason})
	return nil
}

// connected counts and reports a connection.
func (d *Device) connected(remote net.Addr, discarded int64) {
	d.connections.Add(1)
	d.report(Event{State: StateConnected, Remote: remote, Discarded: discarded})
}

// disconnected reports the end of a connection.
func (d *Device) disconnected(remote net.Addr, cause error) {
	d.report(Event{State: StateDisconnected, Remote: remote, Err: cause})
}

// run serves one connection after the other.
func (d *Device) run(n node) {
	var delays backoff
	for {
		start := time.Now()
		cause := n.serve()
		if d.ctx.Err() != nil || !d.options.Keep {
			n.close()
			d.end(cause)
			return
		}
		delays.lasted(time.Since(start))
		var err error
		if n, err = d.restore(&delays, n, cause); err != nil {
			d.end(err)
			return
		}
	}
}

// restore replaces the node, so that programs notice the end of the connection,
// and connects again. On failure, both nodes are closed.
func (d *Device) restore(delays *backoff, old node, cause error) (node, error) {
	if _, ok := old.(*ptyNode); ok {
		return d.restorePTY(delays, old, cause)
	}
	old.close()
	if d.link != nil {
		d.link.remove()
	}
	return d.redial(delays, cause, d.present)
}

// restorePTY replaces a pty before it connects.
func (d *Device) restorePTY(delays *backoff, old node, cause error) (node, error) {
	pty, err := d.replacePTY(old)
	if err != nil {
		return nil, err
	}
	pty.start()
	n, err := d.redial(delays, cause, func(_ context.Context, conn net.Conn) (node, error) {
		d.connected(conn.RemoteAddr(), pty.attach(conn))
		return pty, nil
	})
	if err != nil {
		pty.close()
	}
	return n, err
}

// replacePTY closes a pty, and starts a new one that its programs find.
func (d *Device) replacePTY(old node) (*ptyNode, error) {
	defer old.close()
	pty, err := d.newPTYNode()
	if err != nil {
		return nil, err
	}
	if err := d.publish(pty, ""); err != nil {
		pty.close()
		return nil, err
	}
	return pty, nil
}

// redial connects until use has accepted a connection.
func (d *Device) redial(delays *backoff, cause error, use func(context.Context, net.Conn) (node, error)) (node, error) {
	report := func(err error, delay time.Duration) {
		d.report(Event{State: StateRetrying, Err: err, Delay: delay})
	}
	return retry(d.ctx, delays, cause, report, func(ctx context.Context) (node, error) {
		conn, err := d.options.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return use(ctx, conn)
	})
}
