//go:build !linux

package rfcommtest

import "errors"

// available tells whether controllers can be made.
func available() error {
	return &unavailableError{"only Linux has them", errors.ErrUnsupported}
}
