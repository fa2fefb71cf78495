package rfcomm

import (
	"context"
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// claim listens on an address that listen has checked.
func (lc *ListenConfig) claim(ctx context.Context, laddr Addr) (*Listener, error) {
	others, err := rivals(laddr.Device)
	if err != nil {
		return nil, err
	}
	var l *Listener
	err = claimChannel(ctx, laddr.Channel, func(channel int) error {
		l, err = lc.listenOn(laddr, channel, others)
		return err
	})
	return l, err
}

// listenOn listens on one channel of laddr. A listener on an adapter's own
// address and one on every adapter can share a channel, and the former then
// receives the adapter's connections (rfcomm_get_sock_by_channel). listenOn
// therefore looks for rivals first, and again once its socket is bound: of two
// programs that do this, at least one detects the other.
func (lc *ListenConfig) listenOn(laddr Addr, channel int, others []rival) (*Listener, error) {
	on := endpoint(lc.Security, func(fd int) error {
		if lc.Control == nil {
			return nil
		}
		return lc.Control(network, laddr.String(), controlOnly(fd))
	})
	on.Local = Addr{Device: laddr.Device, Channel: channel}.sockaddr()
	on.Bound = func() error { return probeAll(others, channel) }
	if err := probeAll(slices.Concat([]rival{itself(laddr.Device)}, others), channel); err != nil {
		return nil, err
	}
	backlog := lc.Backlog
	if backlog == 0 {
		backlog = unix.SOMAXCONN
	}
	socket, err := btsocket.Listen(on, backlog)
	if err != nil {
		return nil, err
	}
	addr := Addr{Device: laddr.Device, Channel: channel}
	return &Listener{listener: socket, addr: addr, security: lc.Security}, nil
}

// probeAll returns an error that matches EADDRINUSE if a listener has the
// channel on one of the addresses.
func probeAll(addresses []rival, channel int) error {
	for _, r := range addresses {
		err := probe(Addr{Device: r.device, Channel: channel})
		if errors.Is(err, unix.EADDRINUSE) {
			return r.inUse()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// probe binds a socket to an address for a moment, which fails with EADDRINUSE
// if another socket is bound to the address. While the socket exists, other
// programs cannot bind to the address (__rfcomm_get_listen_sock_by_addr). The
// socket receives no connections, because it does not listen
// (rfcomm_get_sock_by_channel).
func probe(a Addr) error {
	fd, err := btsocket.NewSocket(unix.SOCK_STREAM, unix.BTPROTO_RFCOMM)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return os.NewSyscallError(callBind, unix.Bind(fd, a.sockaddr()))
}

// accept waits for the next connection and checks its link. It skips a peer
// that fails the check or disconnects meanwhile, since neither is an error of
// the listener. A link that cannot be looked up is an error.
func (l *Listener) accept() (*Conn, error) {
	for {
		socket, peer, err := l.listener.Accept()
		if err != nil {
			return nil, err
		}
		name, err := socket.Name()
		if err != nil {
			socket.Close()
			return nil, err
		}
		conn := newConn(socket, addrOf(name), addrOf(peer))
		refused, err := l.security.refuses(conn)
		if !refused && err == nil {
			return conn, nil
		}
		conn.Close()
		if err != nil {
			return nil, err
		}
	}
}
