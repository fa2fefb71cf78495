package bluez

import (
	"net"
	"sync"
)

// A state holds the last report of a publication. One goroutine at a time may
// call set.
type state struct {
	report func(error) // may be nil

	mu    sync.Mutex
	err   error
	ended bool
}

func (s *state) current() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return net.ErrClosed
	}
	return s.err
}

// set changes the state, and reports it unless it is the same as before. An error
// with another text is another state.
func (s *state) set(err error) {
	s.mu.Lock()
	before := s.err
	same := before == nil && err == nil || before != nil && err != nil && before.Error() == err.Error()
	if !same {
		s.err = err
	}
	s.mu.Unlock()
	if s.report != nil && !same {
		s.report(err)
	}
}

// end makes current return net.ErrClosed.
func (s *state) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}
