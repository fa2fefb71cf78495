//go:build !linux

package rfcommtest

import "errors"

// useRemedies is empty: nothing is available.
var useRemedies []remedy

// available reports why virtual controllers cannot be created.
func available() error {
	return &unavailableError{"only Linux has them", errors.ErrUnsupported}
}
