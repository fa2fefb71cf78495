//go:build race || msan || asan

package btsocket

import "golang.org/x/sys/unix"

// These detectors have to be told of what the kernel writes, as package unix does.

func readDirectly(fd int, p []byte) (int, error) { return unix.Read(fd, p) }

func pollDirectly(poll *unix.PollFd) error {
	polls := [1]unix.PollFd{*poll}
	_, err := unix.Poll(polls[:], 0)
	*poll = polls[0]
	return err
}
