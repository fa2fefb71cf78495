package rfcomm

import (
	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// listen listens on an address that was checked.
func (lc *ListenConfig) listen(laddr *Addr) (*Listener, error) {
	backlog := lc.Backlog
	if backlog == 0 {
		backlog = unix.SOMAXCONN
	}
	on := endpoint(laddr, lc.Security, func(fd int) error {
		if lc.Control == nil {
			return nil
		}
		return lc.Control(network, laddr.String(), controlOnly(fd))
	})
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
	if err := checkLink(l.security, conn, "accept4"); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
