package btsocket

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// firstFree is the lowest descriptor number that this package uses. A socket in
// the place of a closed standard stream would receive the output of the
// program.
const firstFree = 3

// NewSocket returns a new Bluetooth socket, non-blocking and close-on-exec.
func NewSocket(kind, protocol int) (int, error) {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, protocol)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	return aboveStandardStreams(fd)
}

// aboveStandardStreams moves the descriptor away from the numbers 0, 1 and 2.
// It takes ownership of fd.
func aboveStandardStreams(fd int) (int, error) {
	if fd >= firstFree {
		return fd, nil
	}
	moved, err := Duplicate(fd)
	unix.Close(fd)
	return moved, err
}

// Duplicate returns a close-on-exec duplicate of fd.
func Duplicate(fd int) (int, error) {
	duplicate, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstFree)
	if err != nil {
		return -1, os.NewSyscallError("fcntl", err)
	}
	return duplicate, nil
}

// closeBriefly closes a descriptor that is not on the poller. It waits for
// close(2) as waitBriefly does.
func closeBriefly(ctx context.Context, fd int) {
	done := make(chan error, 1)
	go func() { done <- unix.Close(fd) }()
	waitBriefly(ctx, done)
}
