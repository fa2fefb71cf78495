package btsocket

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memInfo is the value of SO_MEMINFO (include/uapi/linux/sock_diag.h).
type memInfo struct {
	readAllocated, readBuffer   uint32
	writeAllocated, writeBuffer uint32
	_                           [5]uint32
}

// sendQueued returns the number of bytes of memory that the unsent data
// occupies in the kernel. RFCOMM counts a frame from write(2) until it hands
// the frame to the link's L2CAP channel (rfcomm_process_tx), or discards it
// after the end.
func sendQueued(fd uintptr) (bytes int, err error) {
	var info memInfo
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno == unix.ENOPROTOOPT { // Linux before 4.12
		return sendQueuedOld(int(fd))
	}
	if errno != 0 {
		return 0, os.NewSyscallError("getsockopt", errno)
	}
	return withoutLastByte(int(info.writeAllocated)), nil
}

// sendQueuedOld is sendQueued for kernels without SO_MEMINFO. It is for
// Bluetooth sockets only: their TIOCOUTQ returns the free part of the send
// buffer (bt_sock_ioctl), or 0 if the queue is longer than the buffer.
func sendQueuedOld(fd int) (bytes int, err error) {
	free, err := unix.IoctlGetInt(fd, unix.TIOCOUTQ)
	if err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	size, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF)
	if err != nil {
		return 0, os.NewSyscallError("getsockopt", err)
	}
	return withoutLastByte(size - free), nil
}

// withoutLastByte returns 0 instead of 1: when the kernel frees a frame, it
// wakes the poller before it subtracts the last byte (sock_wfree).
func withoutLastByte(queued int) int {
	if queued <= 1 {
		return 0
	}
	return queued
}
