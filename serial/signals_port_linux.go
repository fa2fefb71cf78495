package serial

import (
	"errors"

	"golang.org/x/sys/unix"
)

// signals returns the modem signals.
func (t *tty) signals(o *outputs) (signals Signals, err error) {
	err = t.control(func(fd int) (err error) {
		signals, err = o.signals(fd)
		return t.signalError(err)
	})
	return signals, err
}

// setSignals changes the outputs.
func (t *tty) setSignals(o *outputs, set, clear Signals) error {
	return t.control(func(fd int) error { return t.signalError(o.set(fd, set, clear)) })
}

// signalError replaces the error of a tty that was hung up.
func (t *tty) signalError(err error) error {
	if errors.Is(err, unix.EIO) {
		return t.link.endOfWrite()
	}
	return err
}
