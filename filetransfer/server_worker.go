package filetransfer

import "errors"

// checkStuck returns an error while too many calls to file systems are stuck.
func (s *session) checkStuck() error {
	if s.stuck.Load() >= maxStuck {
		return publicErrorf(ErrBusy, "server is busy; try again later: its file system does not answer")
	}
	return nil
}

// checkWorker returns an error if the session has to end because of a file
// system. It logs a panic.
func (s *session) checkWorker() error {
	err := s.worker.broken
	var panicked *panicError
	if errors.As(err, &panicked) {
		s.log.Error("panic in a file system", "panic", panicked.value, "stack", string(panicked.stack))
	}
	return err
}
