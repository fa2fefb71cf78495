package rfcommtest

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
)

// An unavailableError reports why this machine cannot run a radio. It matches
// errors.ErrUnsupported, so that tests can be skipped.
type unavailableError struct {
	remedy string
	cause  error
}

func (e *unavailableError) Error() string {
	return fmt.Sprintf("rfcommtest: virtual controllers are not available: %s (%v)", e.remedy, e.cause)
}

func (e *unavailableError) Unwrap() []error { return []error{e.cause, errors.ErrUnsupported} }

// A requirement is a property of the machine or the process that a radio
// requires.
type requirement struct {
	check    func() error
	remedies []remedy
}

// A remedy is the advice for a requirement whose check failed with one of the
// errnos.
type remedy struct {
	text   string
	errnos []syscall.Errno
}

// missing returns the error of the first requirement that is not met, or nil.
func missing(requirements []requirement) error {
	for _, r := range requirements {
		if err := r.check(); err != nil {
			if explained := explain(err, r.remedies); explained != err {
				return explained
			}
			return fmt.Errorf("rfcommtest: %w", err)
		}
	}
	return nil
}

// explain adds a remedy to an error that means that the machine lacks something
// or that the process lacks a privilege. Any other error is a failure, which
// must not skip a test: explain returns it unchanged.
func explain(err error, remedies []remedy) error {
	for _, r := range remedies {
		if slices.ContainsFunc(r.errnos, func(errno syscall.Errno) bool { return errors.Is(err, errno) }) {
			return &unavailableError{r.text, err}
		}
	}
	return err
}
