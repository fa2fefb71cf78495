package l2cap

import (
	"cmp"
	"context"
	"encoding/binary"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// connect makes one attempt to connect.
func connect(ctx context.Context, adapter rfcomm.BDAddr, raddr Addr) (*Conn, error) {
	from := endpoint()
	from.Abandoned = closeOnceConnected
	if !adapter.IsZero() {
		from.Local = Addr{Device: adapter}.sockaddr()
	}
	socket, err := btsocket.Connect(ctx, from, raddr.sockaddr())
	if err != nil {
		return nil, err
	}
	return newConn(socket, raddr)
}

// closeOnceConnected closes the socket of an abandoned dial, but not before the
// kernel has connected it or has given up. If a socket is closed while the
// kernel pages for it, Linux 6.12 can lose track of the page. The controller
// then has a link that the kernel does not know, and refuses every other page of
// the device until that link ends (EALREADY).
func closeOnceConnected(socket *btsocket.Socket) {
	go func() {
		socket.AwaitConnected()
		socket.Close()
	}()
}

// listen listens on an address that has been checked.
func listen(laddr Addr) (*Listener, error) {
	on := endpoint()
	on.Local = laddr.sockaddr()
	listener, err := btsocket.Listen(on, unix.SOMAXCONN)
	if err != nil {
		return nil, err
	}
	return &Listener{listener: listener, addr: laddr}, nil
}

// accept waits for the next connection. A connection that ends before its
// options can be read is not an error of the listener.
func (l *Listener) accept() (*Conn, error) {
	for {
		socket, peer, err := l.listener.Accept()
		if err != nil {
			return nil, err
		}
		if c, err := newConn(socket, Addr{Device: addrOf(peer).Device}); err == nil {
			return c, nil
		}
	}
}

// endpoint returns the description of a new, unbound socket.
func endpoint() btsocket.Endpoint {
	return btsocket.Endpoint{Kind: unix.SOCK_SEQPACKET, Protocol: unix.BTPROTO_L2CAP}
}

// newConn returns the Conn of a connected socket. It takes ownership of the
// socket, even if it fails.
func newConn(socket *btsocket.Socket, remote Addr) (*Conn, error) {
	c := &Conn{socket: socket, remote: remote}
	name, err := socket.Name()
	if err == nil {
		if c.local = addrOf(name); remote.PSM != 0 {
			c.local.PSM = 0 // the kernel returns that of the service (l2cap_sock_getname)
		}
		err = c.readMTUs()
	}
	if err != nil {
		socket.Close()
		return nil, err
	}
	return c, nil
}

// sockaddr returns a in the form of package unix, which reverses the device's
// address itself.
func (a Addr) sockaddr() *unix.SockaddrL2 {
	return &unix.SockaddrL2{Addr: a.Device, PSM: a.PSM}
}

// addrOf returns the Addr of an address from the kernel, whose device address
// package unix leaves reversed. For another kind of address it returns the zero
// Addr.
func addrOf(sa unix.Sockaddr) Addr {
	l2, ok := sa.(*unix.SockaddrL2)
	if !ok {
		return Addr{}
	}
	a := Addr{Device: l2.Addr, PSM: l2.PSM}
	slices.Reverse(a.Device[:])
	return a
}

// l2capOptions is L2CAP_OPTIONS of include/net/bluetooth/l2cap.h.
const l2capOptions = 1

// readMTUs reads the negotiated MTUs. They are the first two fields of struct
// l2cap_options, omtu and imtu of 16 bits each, of which the kernel returns as
// much as the caller has room for (l2cap_sock_getsockopt_old).
func (c *Conn) readMTUs() error {
	var value int
	var err error
	controlErr := c.socket.RawControl(func(fd uintptr) {
		value, err = unix.GetsockoptInt(int(fd), unix.SOL_L2CAP, l2capOptions)
	})
	if err := cmp.Or(controlErr, os.NewSyscallError("getsockopt", err)); err != nil {
		return err
	}
	var mtus [4]byte
	binary.NativeEndian.PutUint32(mtus[:], uint32(value))
	c.outgoing = int(binary.NativeEndian.Uint16(mtus[:2]))
	c.incoming = int(binary.NativeEndian.Uint16(mtus[2:]))
	return nil
}
