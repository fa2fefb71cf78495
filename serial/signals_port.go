package serial

var _ ModemLines = (*Port)(nil)

const opSignals = "signals"

// Signals returns the inputs, which are the peer's outputs, and the outputs as
// they were last set: the kernel's own report of these is incorrect. DSR is the
// peer's DTR, and CTS its RTS. Linux always sends CD and never RI; other peers
// may send both. The kernel reports no changes by itself: see [Changes].
//
// When the connection has ended, the error is that of Write.
func (p *Port) Signals() (Signals, error) {
	signals, err := p.tty.signals(&p.outputs)
	return signals, p.localError(opSignals, err)
}

// SetSignals sets the outputs in set, then clears those in clear. Only DTR and
// RTS are outputs; both are set in a new connection. The peer sees them as DSR
// and CTS. They do not affect the flow of data.
//
// When the connection has ended, the error is that of Write.
func (p *Port) SetSignals(set, clear Signals) error {
	if err := checkOutputs(set, clear); err != nil {
		return err
	}
	return p.localError(opSignals, p.tty.setSignals(&p.outputs, set, clear))
}
