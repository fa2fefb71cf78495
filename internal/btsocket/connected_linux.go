package btsocket

// Connected reports whether the stream has not ended, also if no Read or Write
// has met the end yet. It takes no lock that a Read or Write holds.
func (s *Socket) Connected() bool {
	connected := false
	s.control(func(fd int) error {
		connected = !hungUp(uintptr(fd))
		return nil
	})
	return connected
}
