package rfcomm

import (
	"context"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/paging"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

// connect dials with retries and adds the likely cause to an error. Inquiries of
// this process on the adapter pause until it returns.
func (d *Dialer) connect(ctx context.Context, local BDAddr, raddr Addr) (*Conn, error) {
	facts := dialFacts{local: local, remote: raddr, findLink: func(ctx context.Context) *hci.Link {
		return linkTo(ctx, local, raddr.Device)
	}}
	defer facts.lookAhead(ctx)()
	defer paging.Begin(ctx, local)()
	began := time.Now()
	r := redial.Retrier[*Conn]{
		RecentlyClosed: func() bool { return conns.recentlyClosed(raddr.Device) },
		HeldHere:       func() bool { return conns.dialed(local, raddr) },
	}
	r.Attempt = func(ctx context.Context) (*Conn, error) { return d.connectOnce(ctx, local, raddr, r.Last != nil) }
	conn, err := r.Dial(ctx)
	if err != nil {
		facts.lasted, facts.retried, facts.adapterGone = r.Lasted, time.Since(began), r.Gone
		return nil, facts.explain(ctx, err)
	}
	return conn, nil
}

// connectOnce makes one attempt, on a new socket. retried specifies whether the
// dial has made other attempts before.
func (d *Dialer) connectOnce(ctx context.Context, local BDAddr, raddr Addr, retried bool) (*Conn, error) {
	path := dialedPath{local: local, remote: raddr}
	from := endpoint(d.Security, func(fd int) error {
		if d.ControlContext != nil {
			if err := d.ControlContext(ctx, network, raddr.String(), controlOnly(fd)); err != nil {
				return err
			}
		}
		abandoned.end(ctx, path)
		return nil
	})
	from.Abandoned = func(socket *btsocket.Socket) { abandoned.keep(path, socket) }
	check := linkCheck{level: d.Security, retried: retried}
	from.Connecting = func(ctx context.Context) error { return check.before(ctx, raddr.Device) }
	if !local.IsZero() {
		from.Local = Addr{Device: local}.sockaddr()
	}
	socket, err := btsocket.Connect(ctx, from, raddr.sockaddr())
	if err != nil {
		return nil, err
	}
	name, err := socket.Name()
	if err != nil {
		socket.CloseContext(ctx)
		return nil, err
	}
	conn := newDialedConn(socket, addrOf(name), raddr)
	if err := check.after(ctx, conn); err != nil {
		conn.closeContext(ctx)
		return nil, err
	}
	return conn, nil
}
