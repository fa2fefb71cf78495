package serial

import "sync"

// outputs remembers the outputs DTR and RTS of a tty, since the kernel reports
// them incorrectly for RFCOMM ttys (rfcomm_tty_tiocmget): DTR and RTS of Linux 6.1
// are the peer's; RTS of Linux 6.12 is our DTR, and DTR is 0.
type outputs struct {
	mu    sync.Mutex // held while they are set
	state Signals
}

// newOutputs returns the outputs of a tty that was just opened: the kernel has set
// both (rfcomm_dlc_alloc, tty_port_raise_dtr_rts).
func newOutputs() outputs { return outputs{state: DTR | RTS} }
