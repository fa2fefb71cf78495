//go:build !linux

package rfcommtest

import "errors"

// available reports why virtual controllers cannot be created.
func available() error {
	return &unavailableError{"only Linux has them", errors.ErrUnsupported}
}
