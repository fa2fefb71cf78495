package btsocket

import "golang.org/x/sys/unix"

// Connected reports whether the stream has not ended, also if no Read or Write
// has met the end yet. It takes no lock that a Read or Write holds.
func (s *Socket) Connected() bool {
	connected := false
	s.control(func(fd int) error {
		connected = PollEvents(uintptr(fd), unix.POLLRDHUP)&(unix.POLLHUP|unix.POLLRDHUP|unix.POLLERR|unix.POLLNVAL) == 0
		return nil
	})
	return connected
}
