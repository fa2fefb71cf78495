package serial

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// received reports whether data has arrived that has not been read, or the
// connection has ended.
func received(c *rfcomm.Conn) bool { return poll(c, unix.POLLIN)&unix.POLLIN != 0 }

// connEnded reports whether the peer of a connection has closed it, or the link
// was lost, without reading. It returns false for a connection that is neither a
// socket nor a Port.
func connEnded(conn net.Conn) bool {
	if port, ok := conn.(*Port); ok {
		return port.tty.hungUp()
	}
	socket, ok := conn.(syscall.Conn)
	return ok && poll(socket, unix.POLLRDHUP)&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}

// poll returns the events of a socket. A closed one has hung up.
func poll(socket syscall.Conn, events int16) int16 {
	raw, err := socket.SyscallConn()
	if err != nil {
		return unix.POLLHUP
	}
	found := int16(unix.POLLHUP)
	raw.Control(func(fd uintptr) { found = btsocket.PollEvents(fd, events) })
	return found
}
