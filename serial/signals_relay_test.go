package serial

import "testing"

func TestRelayedJoinsAsCable(t *testing.T) {
	for _, c := range []struct{ inputs, outputs Signals }{
		{0, 0},
		{DSR, DTR},
		{CTS, RTS},
		{DSR | CTS, DTR | RTS},
		{RI | CD, 0},   // not carried
		{DTR | RTS, 0}, // not inputs, so nothing returns to its sender
		{DSR | RI | CD, DTR},
	} {
		if got := relayed(c.inputs); got != c.outputs {
			t.Errorf("with %v on one side, the outputs of the other are %v, want %v", c.inputs, got, c.outputs)
		}
	}
}
