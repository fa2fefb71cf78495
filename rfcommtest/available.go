package rfcommtest

import (
	"errors"
	"fmt"
)

// An unavailableError reports why this machine cannot run a radio. It matches
// errors.ErrUnsupported, so that tests can be skipped.
type unavailableError struct {
	advice string
	cause  error
}

func (e *unavailableError) Error() string {
	return fmt.Sprintf("rfcommtest: virtual controllers are not available: %s (%v)", e.advice, e.cause)
}

func (e *unavailableError) Unwrap() []error { return []error{e.cause, errors.ErrUnsupported} }
