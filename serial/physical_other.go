//go:build !linux

package serial

import (
	"errors"
	"time"
)

// A uart cannot exist on this platform.
type uart struct{}

func openUART(string, LineOptions) (*uart, error) { return nil, errors.ErrUnsupported }

func (*uart) read([]byte) (int, error)         { return 0, errors.ErrUnsupported }
func (*uart) write([]byte) (int, error)        { return 0, errors.ErrUnsupported }
func (*uart) drain() error                     { return errors.ErrUnsupported }
func (*uart) signals() (Signals, error)        { return 0, errors.ErrUnsupported }
func (*uart) setSignals(_, _ Signals) error    { return errors.ErrUnsupported }
func (*uart) setDeadline(time.Time) error      { return errors.ErrUnsupported }
func (*uart) setReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (*uart) setWriteDeadline(time.Time) error { return errors.ErrUnsupported }
func (*uart) close() error                     { return errors.ErrUnsupported }
