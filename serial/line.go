package serial

import "io"

// A Line is a serial port as a relay uses it: a physical port, see OpenLine, or
// any other implementation.
type Line interface {
	io.ReadWriteCloser

	// Drain waits until the hardware has sent everything that was written.
	Drain() error
}

// ModemLines is implemented by a [Line], and by a Port, with modem signals.
type ModemLines interface {
	// Signals returns the inputs, and the outputs as they were last set.
	Signals() (Signals, error)
	// SetSignals sets the outputs in set, then clears those in clear. Only DTR
	// and RTS are outputs.
	SetSignals(set, clear Signals) error
}
