package l2cap

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// probe binds a socket to laddr for a moment. The kernel compares the address
// with those of all sockets that were bound by bind(2), listening or not
// (l2cap_add_psm). Sockets that dialed or were accepted do not count.
func probe(laddr Addr) error {
	fd, err := btsocket.NewSocket(unix.SOCK_SEQPACKET, unix.BTPROTO_L2CAP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return os.NewSyscallError("bind", unix.Bind(fd, laddr.sockaddr()))
}
