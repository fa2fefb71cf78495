package rfcomm

import (
	"os"
	"slices"
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

// sockaddr returns the kernel's form of a, which has the least significant
// byte of the device's address first.
func (a Addr) sockaddr() *unix.SockaddrRFCOMM {
	sa := &unix.SockaddrRFCOMM{Addr: a.Device, Channel: uint8(a.Channel)}
	slices.Reverse(sa.Addr[:])
	return sa
}

// addrOf translates the kernel's form of an address; any other kind gives the
// zero Addr.
func addrOf(sa unix.Sockaddr) Addr {
	rc, ok := sa.(*unix.SockaddrRFCOMM)
	if !ok {
		return Addr{}
	}
	a := Addr{Device: rc.Addr, Channel: int(rc.Channel)}
	slices.Reverse(a.Device[:])
	return a
}

const btSecurity = 4 // BT_SECURITY, include/net/bluetooth/bluetooth.h

// setSecurity asks for a level of protection.
func setSecurity(fd int, level Security) error {
	if level == SecurityDefault {
		return nil
	}
	// struct bt_security: the level and the size of the key, 0 for any. The
	// kernel's levels are numbered like ours.
	err := unix.SetsockoptString(fd, unix.SOL_BLUETOOTH, btSecurity, string([]byte{byte(level), 0}))
	return os.NewSyscallError("setsockopt", err)
}

// requestedSecurity returns the level that was asked for on a socket.
func requestedSecurity(fd int) (Security, error) {
	value, err := unix.GetsockoptString(fd, unix.SOL_BLUETOOTH, btSecurity)
	if err != nil || len(value) < 1 {
		return SecurityDefault, os.NewSyscallError("getsockopt", err)
	}
	return Security(value[0]), nil
}
