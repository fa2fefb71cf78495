//go:build !linux

package inquiry

import (
	"errors"
	"io"
)

// openSocket fails: only Linux has HCI sockets.
func openSocket(int) (io.ReadWriteCloser, error) { return nil, errors.ErrUnsupported }
