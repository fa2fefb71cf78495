package btsocket

// Connected reports whether the connection has not ended. It looks at the
// socket, so it sees an end that no Read or Write has met yet. It takes no lock
// that a Read or Write holds.
func (s *Socket) Connected() bool {
	connected := false
	s.control(func(fd int) error {
		connected = !hungUp(uintptr(fd))
		return nil
	})
	return connected
}
