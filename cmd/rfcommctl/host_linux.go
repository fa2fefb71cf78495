package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// openRFCOMMSocket is the socket of thisHost.
func openRFCOMMSocket() error {
	fd, err := unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.BTPROTO_RFCOMM)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	return unix.Close(fd)
}
