package rfcomm

import (
	"slices"

	"golang.org/x/sys/unix"
)

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
