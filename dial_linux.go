package rfcomm

import (
	"context"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// connect dials, and retries.
func (d *Dialer) connect(ctx context.Context, local BDAddr, raddr Addr) (*Conn, error) {
	r := retrier{
		attempt:        func(ctx context.Context) (*Conn, error) { return d.connectOnce(ctx, local, raddr) },
		recentlyClosed: func() bool { return recentlyClosed(raddr.Device) },
	}
	return r.dial(ctx)
}

// connectOnce makes one attempt, on a new socket.
func (d *Dialer) connectOnce(ctx context.Context, local BDAddr, raddr Addr) (*Conn, error) {
	from := endpoint(d.Security, func(fd int) error {
		if d.ControlContext == nil {
			return nil
		}
		return d.ControlContext(ctx, network, raddr.String(), controlOnly(fd))
	})
	if !local.IsZero() {
		from.Local = Addr{Device: local}.sockaddr()
	}
	socket, err := btsocket.Connect(ctx, from, raddr.sockaddr())
	if err != nil {
		return nil, err
	}
	name, err := socket.Name()
	if err != nil {
		socket.Close()
		return nil, err
	}
	conn := newConn(socket, addrOf(name), raddr)
	if err := checkLink(d.Security, conn, "connect"); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
