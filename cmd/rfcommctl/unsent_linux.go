package main

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

// unsent returns a function that returns the size of the data of a connection that
// the kernel holds, or nil if that is unknown. TIOCOUTQ of an RFCOMM socket is the
// free part of its send buffer (bt_sock_ioctl), and that of a TCP socket the size
// of the data.
func unsent(conn net.Conn) func() int {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	_, overRFCOMM := conn.(*rfcomm.Conn)
	return func() (n int) {
		raw.Control(func(fd uintptr) {
			if n, err = unix.IoctlGetInt(int(fd), unix.TIOCOUTQ); err == nil && overRFCOMM {
				buffer, _ := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
				n = buffer - n
			}
		})
		return n
	}
}
