package serial

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// outputBits are the outputs in the encoding of ioctl(2), inputBits the inputs.
var (
	outputBits = map[Signals]int{DTR: unix.TIOCM_DTR, RTS: unix.TIOCM_RTS}
	inputBits  = map[Signals]int{DSR: unix.TIOCM_DSR, CTS: unix.TIOCM_CTS, RI: unix.TIOCM_RI, CD: unix.TIOCM_CD}
)

// A modem is the modem signals of an open tty. It remembers the outputs, which
// the kernel reports incorrectly for RFCOMM ttys (rfcomm_tty_tiocmget): DTR and
// RTS of Linux 6.1 are the peer's; RTS of Linux 6.12 is our DTR, and DTR is 0.
type modem struct {
	mu      sync.Mutex // held while the outputs are set
	outputs Signals
}

// newModem returns the signals of a tty that was just opened, which sets both
// outputs (tty_port_raise_dtr_rts, rfcomm_dlc_alloc).
func newModem() *modem { return &modem{outputs: DTR | RTS} }

// signals returns the inputs of the tty fd and the remembered outputs.
func (m *modem) signals(fd int) (Signals, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	bits, err := unix.IoctlGetInt(fd, unix.TIOCMGET)
	if err != nil {
		return 0, os.NewSyscallError("ioctl", err)
	}
	signals := m.outputs
	for signal, bit := range inputBits {
		if bits&bit != 0 {
			signals |= signal
		}
	}
	return signals, nil
}

// set sets and then clears outputs of the tty fd. It changes only these, which
// TIOCMSET cannot do without a correct TIOCMGET.
func (m *modem) set(fd int, set, clear Signals) error {
	if err := checkOutputs(set, clear); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := changeOutputs(fd, unix.TIOCMBIS, set); err != nil {
		return err
	}
	m.outputs |= set
	if err := changeOutputs(fd, unix.TIOCMBIC, clear); err != nil {
		return err
	}
	m.outputs &^= clear
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
