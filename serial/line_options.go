package serial

import "fmt"

// LineOptions are the settings of a physical port. RFCOMM does not carry those
// of a peer to this program, so they must suit the attached device.
type LineOptions struct {
	// Baud is the speed in bits per second. The default is 9600, as that of
	// most instruments. It need not be a standard speed. OpenLine fails if the
	// driver offers another one instead that differs by more than 3 %.
	Baud int

	// DataBits is the number of bits in a byte, 5 to 8. The default is 8.
	DataBits int

	// Parity is NoParity by default. A byte received with a wrong parity is
	// read as 0.
	Parity Parity

	// StopBits is 1 or 2. The default is 1.
	StopBits int

	// Flow is FlowNone by default.
	Flow Flow
}

// Parity is the parity bit of a serial port.
type Parity int

// The parities. Not all hardware has MarkParity, a bit that is always 1, and
// SpaceParity, a bit that is always 0.
const (
	NoParity Parity = iota
	OddParity
	EvenParity
	MarkParity
	SpaceParity
)

const parityLetters = "NOEMS"

// String returns the usual letter of the parity: N, O, E, M or S.
func (p Parity) String() string {
	if p < 0 || int(p) >= len(parityLetters) {
		return fmt.Sprintf("Parity(%d)", int(p))
	}
	return parityLetters[p : p+1]
}

// Flow is the flow control of a serial port. Without it, an attached device that
// sends faster than the peer of a relay receives loses data, since the flow
// control of RFCOMM reaches only to the relay.
type Flow int

const (
	// FlowNone means no flow control.
	FlowNone Flow = iota
	// FlowRTS lets each side hold the other one's data by its signal RTS, which
	// is the other one's CTS. RTS then belongs to the kernel.
	FlowRTS
	// FlowXON lets each side hold the other one's data by the bytes 0x13 (XOFF)
	// and 0x11 (XON). It is for text: received bytes with these values are
	// removed, and the port stops sending after 0x13 until 0x11 arrives.
	FlowXON
)

var flowNames = []string{"none", "rts", "xon"}

// String returns "none", "rts" or "xon".
func (f Flow) String() string {
	if f < 0 || int(f) >= len(flowNames) {
		return fmt.Sprintf("Flow(%d)", int(f))
	}
	return flowNames[f]
}

// withDefaults returns the options with their defaults. o may be nil.
func (o *LineOptions) withDefaults() LineOptions {
	var result LineOptions
	if o != nil {
		result = *o
	}
	if result.Baud == 0 {
		result.Baud = 9600
	}
	if result.DataBits == 0 {
		result.DataBits = 8
	}
	if result.StopBits == 0 {
		result.StopBits = 1
	}
	return result
}

// maxBaud is the largest speed that termios2 can hold on every architecture.
const maxBaud = 1<<31 - 1

// check returns an error that names the first invalid value.
func (o LineOptions) check() error {
	switch {
	case o.Baud < 1 || o.Baud > maxBaud:
		return fmt.Errorf("serial: invalid Baud %d, want a number of bits per second, or 0 for 9600", o.Baud)
	case o.DataBits < 5 || o.DataBits > 8:
		return fmt.Errorf("serial: invalid DataBits %d, want 5 to 8, or 0 for 8", o.DataBits)
	case o.Parity < NoParity || o.Parity > SpaceParity:
		return fmt.Errorf("serial: invalid Parity %d, want NoParity, OddParity, EvenParity, MarkParity or SpaceParity", int(o.Parity))
	case o.StopBits != 1 && o.StopBits != 2:
		return fmt.Errorf("serial: invalid StopBits %d, want 1 or 2, or 0 for 1", o.StopBits)
	case o.Flow < FlowNone || o.Flow > FlowXON:
		return fmt.Errorf("serial: invalid Flow %d, want FlowNone, FlowRTS or FlowXON", int(o.Flow))
	}
	return nil
}

// format returns the usual notation of the bits, such as 8N1.
func (o LineOptions) format() string {
	return fmt.Sprintf("%d%v%d", o.DataBits, o.Parity, o.StopBits)
}
