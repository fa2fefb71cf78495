package rfcomm

import "syscall"

// controlOnly is the raw connection that a Control function gets: its socket
// is not on the poller yet, so there is nothing to wait with.
type controlOnly int

func (fd controlOnly) Control(f func(fd uintptr)) error {
	f(uintptr(fd))
	return nil
}

func (controlOnly) Read(func(fd uintptr) bool) error  { return syscall.EINVAL }
func (controlOnly) Write(func(fd uintptr) bool) error { return syscall.EINVAL }
