package serial

import "testing"

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
