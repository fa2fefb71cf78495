package btsocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls that move data have MSG_DONTWAIT set: another holder of the
// socket can make it blocking, and a blocked thread heeds neither deadlines nor
// Close. The calls exist on all architectures since Linux 4.3.

// receive is recv(2) without waiting for data. Unless mayBlock is set, the
// scheduler is not informed of the call.
//
// The scheduler has a thread monitor each system call that may block, and
// wakes that thread if the process was idle. At the pace of a radio this takes
// about half of the CPU time of a process that reads (BenchmarkSlowStream). In
// return, such a call must not block: its processor's goroutines stand still,
// and at the next garbage collection all goroutines.
//
// It takes the socket's lock (bt_sock_stream_recvmsg), which the kernel holds
// only for moments. The exception is shutdown(2) and close(2) on kernels that
// lack the change to rfcomm_sock_shutdown of 2022: they hold it while they wait
// for rfcomm_mutex. This package makes those calls only while no Read is pending. Another
// holder of the descriptor that does so can stop this program there, while a
// link is stalled.
func receive(fd uintptr, p []byte, mayBlock bool) (int, error) {
	var n uintptr
	var errno unix.Errno
	if mayBlock {
		n, _, errno = unix.Syscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	} else {
		n, _, errno = unix.RawSyscall6(unix.SYS_RECVFROM, fd, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	}
	if errno != 0 {
		return 0, errno
	}
	raceReceived(p[:n])
	return int(n), nil
}

// endedEmpty reports whether a stream has ended with nothing queued, and
// returns what recv(2) would, without calling it.
func endedEmpty(fd uintptr) (ended bool, err error) {
	events := PollEvents(fd, unix.POLLRDHUP)
	if events&endEvents == 0 {
		return false, nil
	}
	if queued, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ); err == nil && queued > 0 {
		return false, nil
	}
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return true, err
	case errno != 0:
		return true, unix.Errno(errno)
	case events&unix.POLLRDHUP != 0: // as on sockets other than RFCOMM
		return true, nil
	}
	return true, unix.EAGAIN
}

// send is send(2) without waiting.
func send(fd uintptr, p []byte) (int, error) {
	raceSending(p)
	n, _, errno := unix.Syscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// endEvents are the events by which poll(2) reports the end of a stream. Read
// shutdown counts, which is how a peer's close shows on sockets other than
// RFCOMM.
const endEvents = unix.POLLHUP | unix.POLLRDHUP | unix.POLLERR | unix.POLLNVAL

// hungUp reports whether the socket's stream has ended.
func hungUp(fd uintptr) bool { return PollEvents(fd, unix.POLLRDHUP)&endEvents != 0 }

// PollEvents returns what poll(2) shows for the descriptor at this moment. The
// scheduler is not informed of the call, for the reason given at receive. It
// takes no lock of the socket (bt_sock_poll).
func PollEvents(fd uintptr, events int16) int16 {
	poll := unix.PollFd{Fd: int32(fd), Events: events}
	var timeout unix.Timespec
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
		if errno != unix.EINTR {
			return poll.Revents
		}
	}
}
