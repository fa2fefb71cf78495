//go:build !linux

package serial

import "errors"

func (*tty) signals(*outputs) (Signals, error)           { return 0, errors.ErrUnsupported }
func (*tty) setSignals(*outputs, Signals, Signals) error { return errors.ErrUnsupported }
