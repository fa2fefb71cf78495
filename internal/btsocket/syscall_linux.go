package btsocket

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls that transfer data use MSG_DONTWAIT: another holder of the
// socket can make it blocking, and neither deadlines nor Close wake a blocked
// thread. The calls exist on all architectures since Linux 4.3.

// receive calls recv(2) without waiting for data. Unless mayBlock is set, it
// does not inform the scheduler of the call.
//
// The scheduler has a thread monitor each system call that may block, and wakes
// that thread if the process was idle. At the pace of a radio, this takes about
// half of the CPU time of a process that reads (BenchmarkSlowStream). A call
// that the scheduler does not know of must not block: meanwhile the goroutines
// of its processor stand still, and at the next garbage collection all
// goroutines do.
//
// recv(2) takes the socket's lock (bt_sock_stream_recvmsg), which the kernel
// holds only for moments. The exception is shutdown(2) and close(2) on kernels
// that lack the change to rfcomm_sock_shutdown of 2022: these calls hold the
// lock while they wait for rfcomm_mutex. This package makes them only while no
// Read is pending. If, on such a kernel, another holder of the descriptor makes
// them while a link is stalled, it can stop this program here.
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

// endedEmpty reports whether a stream has ended with nothing queued. If so, it
// returns the error that recv(2) would return, without calling it.
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
	case events&unix.POLLRDHUP != 0: // on sockets other than RFCOMM
		return true, nil
	}
	return true, unix.EAGAIN
}

// send calls send(2) without waiting.
func send(fd uintptr, p []byte) (int, error) {
	raceSending(p)
	n, _, errno := unix.Syscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// ReadNow calls read(2) for a descriptor of which reading cannot block, such as a
// non-blocking terminal. It does not inform the scheduler of the call, for the reason
// given at receive.
func ReadNow(fd uintptr, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	raceReceived(p[:n])
	return int(n), nil
}

// WriteNow is ReadNow for write(2).
func WriteNow(fd uintptr, p []byte) (int, error) {
	raceSending(p)
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// endEvents are the events by which poll(2) reports the end of a connection.
// They include read shutdown, by which sockets other than RFCOMM report a
// peer's close.
const endEvents = unix.POLLHUP | unix.POLLRDHUP | unix.POLLERR | unix.POLLNVAL

// hungUp reports whether the socket's connection has ended.
func hungUp(fd uintptr) bool { return PollEvents(fd, unix.POLLRDHUP)&endEvents != 0 }

// PollEvents returns the current events of the descriptor that poll(2) reports.
// It does not inform the scheduler of the call, for the reason given at
// receive. poll(2) takes no lock of the socket (bt_sock_poll).
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
