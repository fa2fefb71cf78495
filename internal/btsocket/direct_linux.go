//go:build !race && !msan && !asan

package btsocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls that Go's scheduler is not told of. It has every call that may block
// watched by a thread of its own, which it wakes for that when the process was idle:
// two thirds of the CPU time that reading a slow stream takes. In return, such a call
// must not block: as long as it lasts, a processor's goroutines stand still, and with
// the next collection of garbage all of them.

// readDirectly is read(2) for a socket whose lock nobody holds for long, see
// Socket.readWoken. It does not wait for data even if somebody has made the socket
// block a moment ago. The buffer p must not be empty.
func readDirectly(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// pollDirectly is poll(2) without time to wait, for which the kernel takes no lock of
// the socket (bt_sock_poll).
func pollDirectly(poll *unix.PollFd) error {
	var none unix.Timespec
	_, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(poll)), 1, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
