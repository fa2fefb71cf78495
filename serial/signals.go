package serial

import (
	"fmt"
	"strings"
)

// Signals is a set of modem signals, seen from this machine: DTR and RTS are its
// outputs, the others its inputs.
type Signals uint8

// The modem signals. RFCOMM carries DTR and RTS to the peer, which sees them as
// DSR and CTS, and the other way round (TS 07.10, 5.4.6.3.7).
const (
	DTR Signals = 1 << iota // data terminal ready
	RTS                     // request to send
	DSR                     // data set ready
	CTS                     // clear to send
	RI                      // ring indicator
	CD                      // carrier detect
)

var signalNames = []string{"DTR", "RTS", "DSR", "CTS", "RI", "CD"}

// String returns the names of the signals, such as "DTR RTS CD", or "none".
func (s Signals) String() string {
	var names []string
	for i, name := range signalNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, " ")
}

// checkOutputs returns an error if a signal is not an output.
func checkOutputs(set, clear Signals) error {
	if inputs := (set | clear) &^ (DTR | RTS); inputs != 0 {
		return fmt.Errorf("serial: cannot set or clear %v: only DTR and RTS are outputs", inputs)
	}
	return nil
}
