package rfcomm

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// endpoint returns the description of a new RFCOMM socket, which is not bound.
func endpoint(security Security, control func(fd int) error) btsocket.Endpoint {
	return btsocket.Endpoint{
		Kind:     unix.SOCK_STREAM,
		Protocol: unix.BTPROTO_RFCOMM,
		Setup: func(fd int) error {
			if err := setSecurity(fd, security); err != nil {
				return err
			}
			if err := control(fd); err != nil {
				return &neterr.ControlError{Err: err}
			}
			return nil
		},
	}
}

// controlOnly is the raw connection that a Control function gets: its socket
// is not on the poller yet, so there is nothing to wait with.
type controlOnly int

func (fd controlOnly) Control(f func(fd uintptr)) error {
	f(uintptr(fd))
	return nil
}

func (controlOnly) Read(func(fd uintptr) bool) error  { return syscall.EINVAL }
func (controlOnly) Write(func(fd uintptr) bool) error { return syscall.EINVAL }
