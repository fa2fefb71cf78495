package partfile

import (
	"errors"
	"os"
	"sync"
)

// Escapes reports whether err is the error that os.Root returns for a path that
// leads out of the root.
func Escapes(err error) bool {
	escape := escapeError()
	return escape != nil && errors.Is(err, escape)
}

var escape struct {
	mu  sync.Mutex
	err error
}

// escapeError returns the error of all paths that lead out of a root. Package
// os does not export it, but every os.Root returns it for "..". If no directory
// can be opened, because the process has too many open files, escapeError
// returns nil, and the next call tries again.
func escapeError() error {
	escape.mu.Lock()
	defer escape.mu.Unlock()
	if escape.err != nil {
		return escape.err
	}
	root, err := os.OpenRoot(string(os.PathSeparator))
	if err != nil {
		return nil
	}
	defer root.Close()
	_, err = root.Lstat("..")
	escape.err = errors.Unwrap(err)
	return escape.err
}
