package serial

import (
	"strings"
	"testing"
)

func TestSignalsString(t *testing.T) {
	for signals, want := range map[Signals]string{
		0:                               "none",
		CD:                              "CD",
		DTR | RTS:                       "DTR RTS",
		DTR | RTS | DSR | CTS | RI | CD: "DTR RTS DSR CTS RI CD",
	} {
		if got := signals.String(); got != want {
			t.Errorf("%#x is %q, want %q", uint8(signals), got, want)
		}
	}
}

func TestCheckOutputsNamesInputs(t *testing.T) {
	if err := checkOutputs(DTR, RTS); err != nil {
		t.Error(err)
	}
	for _, c := range [][2]Signals{{DTR | CD, RI}, {CD | RI, 0}, {0, CD | RI | RTS}} {
		err := checkOutputs(c[0], c[1])
		if err == nil || !strings.Contains(err.Error(), "cannot set or clear RI CD:") {
			t.Errorf("set %v, clear %v: the error is %v, want one that names RI and CD", c[0], c[1], err)
		}
	}
}
