//go:build !linux

package bluez

import (
	"errors"
	"io"

	"github.com/go-rfcomm/rfcomm"
)

func reserve(rfcomm.Addr) (io.Closer, error) { return nil, errors.ErrUnsupported }
