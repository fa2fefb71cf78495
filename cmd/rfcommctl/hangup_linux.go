package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// readerGone returns a channel that is closed when the program that reads
// standard output has ended, even if nothing is written. The channel is nil if
// standard output is not a pipe.
func (o *output) readerGone() <-chan struct{} {
	file, ok := o.w.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return nil
	}
	gone := make(chan struct{})
	go func() {
		for {
			fds := []unix.PollFd{{Fd: int32(file.Fd())}} // only errors and hang-ups
			n, err := unix.Poll(fds, -1)
			switch {
			case err == unix.EINTR:
			case err != nil:
				return
			case n > 0 && fds[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0:
				close(gone)
				return
			}
		}
	}()
	return gone
}
