package serial

import "testing"

func TestStateString(t *testing.T) {
	for s := StateOpen; s <= StateClosed; s++ {
		if stateNames[s] == "" || s.String() != stateNames[s] {
			t.Errorf("%d is %q", int(s), s)
		}
	}
	if got := State(0).String(); got != "State(0)" {
		t.Errorf("the zero State is %q", got)
	}
}
