package rfcomm

import (
	"os"

	"golang.org/x/sys/unix"
)

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
