//go:build !linux

package serial

import (
	"errors"
	"io/fs"
	"time"
)

// A pty cannot be opened, because only Linux has ptys of this kind.
type pty struct{ name string }

func checkPlatform() error                    { return errors.ErrUnsupported }
func openPTY(fs.FileMode) (*pty, error)       { return nil, errors.ErrUnsupported }
func (*pty) Read([]byte) (int, error)         { return 0, errors.ErrUnsupported }
func (*pty) Write([]byte) (int, error)        { return 0, errors.ErrUnsupported }
func (*pty) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
func (*pty) stopReading()                     {}
func (*pty) readQueued([]byte) int            { return 0 }
func (*pty) unread() int                      { return 0 }
func (*pty) Close() error                     { return nil }
