package rfcomm

import (
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// endpoint returns the description of a new, unbound RFCOMM socket.
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

// controlOnly is the raw connection that a Control function receives. Its
// socket is not yet registered with the poller, so Read and Write cannot wait.
type controlOnly int

var _ syscall.RawConn = controlOnly(0)

func (fd controlOnly) Control(f func(fd uintptr)) error {
	f(uintptr(fd))
	return nil
}

func (controlOnly) Read(func(fd uintptr) bool) error  { return syscall.EINVAL }
func (controlOnly) Write(func(fd uintptr) bool) error { return syscall.EINVAL }

// sockaddr returns a in the kernel's form, which has the least significant byte
// of the device's address first.
func (a Addr) sockaddr() *unix.SockaddrRFCOMM {
	sa := &unix.SockaddrRFCOMM{Addr: a.Device, Channel: uint8(a.Channel)}
	slices.Reverse(sa.Addr[:])
	return sa
}

// addrOf returns the Addr of the kernel's form of an address. For another kind
// of address it returns the zero Addr.
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

// setSecurity requests a level of protection, unless it is the default.
func setSecurity(fd int, level Security) error {
	if level == SecurityDefault {
		return nil
	}
	// struct bt_security: the level, numbered like Security, and the size of
	// the key, 0 for any.
	err := unix.SetsockoptString(fd, unix.SOL_BLUETOOTH, btSecurity, string([]byte{byte(level), 0}))
	return os.NewSyscallError("setsockopt", err)
}

// requestedSecurity returns the level that was requested for a socket.
func requestedSecurity(fd int) (Security, error) {
	value, err := unix.GetsockoptString(fd, unix.SOL_BLUETOOTH, btSecurity)
	if err != nil || len(value) < 1 {
		return SecurityDefault, os.NewSyscallError("getsockopt", err)
	}
	return Security(value[0]), nil
}
