package rfcommtest

import (
	"errors"
	"fmt"
)

// An unavailableError tells why there can be no radio here. Tests can do without
// one, and so it matches errors.ErrUnsupported.
type unavailableError struct {
	advice string
	cause  error
}

func (e *unavailableError) Error() string {
	return fmt.Sprintf("rfcommtest: no virtual controllers here: %s (%v)", e.advice, e.cause)
}

func (e *unavailableError) Unwrap() []error { return []error{e.cause, errors.ErrUnsupported} }
