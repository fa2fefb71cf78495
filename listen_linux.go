package rfcomm

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// listen listens on an address that was checked.
func (lc *ListenConfig) listen(laddr Addr) (*Listener, error) {
	backlog := lc.Backlog
	if backlog == 0 {
		backlog = unix.SOMAXCONN
	}
	on := endpoint(lc.Security, func(fd int) error {
		if lc.Control == nil {
			return nil
		}
		return lc.Control(network, laddr.String(), controlOnly(fd))
	})
	on.Local = laddr.sockaddr()
	socket, err := btsocket.Listen(on, backlog)
	if err != nil {
		return nil, err
	}
	// The kernel picks the channel in listen(2), not in bind(2).
	name, err := socket.Name()
	if err != nil {
		socket.Close()
		return nil, err
	}
	return &Listener{listener: socket, addr: addrOf(name), security: lc.Security}, nil
}

// accept waits for the next connection and checks its link.
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
		err = checkLink(l.security, conn, "accept4")
		if err == nil {
			return conn, nil
		}
		conn.Close()
		if !errors.Is(err, unix.ENOTCONN) {
			return nil, err
		}
		// The link is gone, and the connection with it: the next one may be
		// there, as when accept4 gives ECONNABORTED.
	}
}
