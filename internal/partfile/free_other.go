//go:build !linux

package partfile

import (
	"errors"
	"os"
)

// Free returns an error that matches errors.ErrUnsupported.
func Free(*os.Root) (int64, error) { return 0, errors.ErrUnsupported }
