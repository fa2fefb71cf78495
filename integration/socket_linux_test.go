package integration

import (
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
)

// rawSocket returns a non-blocking RFCOMM socket.
func rawSocket(t *testing.T) (fd int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.BTPROTO_RFCOMM)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// sockaddr returns an address as system calls take it. In the kernel's order,
// the least significant byte of a BD_ADDR is the first.
func sockaddr(a rfcomm.Addr) *unix.SockaddrRFCOMM {
	slices.Reverse(a.Device[:])
	return &unix.SockaddrRFCOMM{Addr: a.Device, Channel: uint8(a.Channel)}
}

// withDescriptor calls f with the descriptor of c.
func withDescriptor(t *testing.T, c syscall.Conn, f func(fd int)) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { f(int(fd)) }); err != nil {
		t.Fatal(err)
	}
}
