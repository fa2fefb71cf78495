package serial

import (
	"os"

	"golang.org/x/sys/unix"
)

// outputBits are the outputs in the encoding of ioctl(2), inputBits the inputs.
var (
	outputBits = map[Signals]int{DTR: unix.TIOCM_DTR, RTS: unix.TIOCM_RTS}
	inputBits  = map[Signals]int{DSR: unix.TIOCM_DSR, CTS: unix.TIOCM_CTS, RI: unix.TIOCM_RI, CD: unix.TIOCM_CD}
)

// signals returns the inputs of the tty fd and the remembered outputs.
func (o *outputs) signals(fd int) (Signals, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	bits, err := unix.IoctlGetInt(fd, unix.TIOCMGET)
	if err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	signals := o.state
	for signal, bit := range inputBits {
		if bits&bit != 0 {
			signals |= signal
		}
	}
	return signals, nil
}

// set sets and then clears outputs of the tty fd. It does not use TIOCMSET, which
// changes all outputs, since TIOCMGET does not report their state.
func (o *outputs) set(fd int, set, clear Signals) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := changeOutputs(fd, unix.TIOCMBIS, set); err != nil {
		return err
	}
	o.state |= set
	if err := changeOutputs(fd, unix.TIOCMBIC, clear); err != nil {
		return err
	}
	o.state &^= clear
	return nil
}

// changeOutputs makes one request that sets or clears outputs.
func changeOutputs(fd int, request uint, outputs Signals) error {
	bits := 0
	for signal, bit := range outputBits {
		if outputs&signal != 0 {
			bits |= bit
		}
	}
	if bits == 0 {
		return nil
	}
	return os.NewSyscallError("ioctl", unix.IoctlSetPointerInt(fd, request, bits))
}
