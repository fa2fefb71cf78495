package btsocket

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memInfo is what SO_MEMINFO returns (include/uapi/linux/sock_diag.h).
type memInfo struct {
	readAllocated, readBuffer   uint32
	writeAllocated, writeBuffer uint32
	_                           [5]uint32
}

// sendQueued returns how many bytes of memory the data occupies that the kernel
// still has to send. RFCOMM counts a frame from write(2) until it is handed to
// the link's L2CAP channel (rfcomm_process_tx), or thrown away after the end.
//
// SIOCOUTQ would give the same number for RFCOMM, as the rest of the send buffer
// (bt_sock_ioctl), but not for other sockets.
func sendQueued(fd uintptr) (bytes int, err error) {
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno == unix.ENOPROTOOPT {
		return 0, nil // Linux before 4.12: Shutdown has the kernel's 40 s there
	}
	if errno != 0 {
		return 0, os.NewSyscallError("getsockopt", errno)
	}
	// Freeing a frame, the kernel wakes the poller before it takes the last
	// byte off the account (sock_wfree).
	if info.writeAllocated <= 1 {
		return 0, nil
	}
	return int(info.writeAllocated), nil
}
