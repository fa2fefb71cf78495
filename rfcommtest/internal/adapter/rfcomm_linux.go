package adapter

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// RFCOMMAvailable reports why this process cannot use RFCOMM sockets, or nil.
func RFCOMMAvailable() error {
	fd, err := btsocket.NewSocket(unix.SOCK_STREAM, unix.BTPROTO_RFCOMM)
	if err != nil {
		return fmt.Errorf("the kernel has no RFCOMM sockets: %w", err)
	}
	return unix.Close(fd)
}
