package filetransfer

import (
	"cmp"
	"errors"
)

// checkStuck returns an error while too many calls to file systems are stuck.
func (s *session) checkStuck() error {
	if s.stuck.Load() >= maxStuck {
		return publicErrorf(ErrBusy, "server is busy; try again later: its file system does not answer")
	}
	return nil
}

// isOver returns an error if the session must end because of a file system or of
// too much work.
func (s *session) isOver() error { return cmp.Or(s.worker.broken, s.over) }

// endWorker ends the worker. It logs a panic.
func (s *session) endWorker() {
	s.worker.stop()
	var panicked *panicError
	if errors.As(s.worker.broken, &panicked) {
		s.log.Error("panic in a file system", "panic", panicked.value, "stack", string(panicked.stack))
	}
}
