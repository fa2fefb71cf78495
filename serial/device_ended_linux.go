package serial

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// connEnded reports whether the peer of a connection has closed it, or the link
// was lost, without reading. It returns false for a connection that is not a
// socket.
func connEnded(conn net.Conn) (ended bool) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Control(func(fd uintptr) {
		events := btsocket.PollEvents(fd, unix.POLLRDHUP)
		ended = events&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
	})
	return ended || err != nil
}
