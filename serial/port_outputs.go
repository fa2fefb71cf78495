package serial

import "sync"

// outputs remembers the outputs DTR and RTS, since the kernel reports them
// incorrectly (rfcomm_tty_tiocmget).
type outputs struct {
	mu    sync.Mutex // held while they are set
	state Signals
}

// newOutputs returns the outputs of a new connection: both are set.
func newOutputs() outputs { return outputs{state: DTR | RTS} }
