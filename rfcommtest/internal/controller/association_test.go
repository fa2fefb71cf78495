package controller

import "testing"

// This is table 5.7 of Volume 3, Part C, section 5.2.2.6, by the capabilities of
// the initiator (rows) and the responder: display only, display with yes and
// no, keyboard only, neither.
func TestAssociateMatchesTheSpecification(t *testing.T) {
	var (
		works    = association{}
		numbers  = association{authenticated: true}
		initiate = association{enters, shows, true} // the initiator enters the passkey
		respond  = association{shows, enters, true}
		both     = association{enters, enters, true}
	)
	table := [4][4]association{
		{works, works, respond, works},
		{works, numbers, respond, works},
		{initiate, initiate, both, works},
		{works, works, works, works},
	}
	for a, row := range table {
		for b, protected := range row {
			for requirements, want := range map[[2]byte]association{
				{0, 0}: works, {2, 4}: works, {1, 0}: protected, {4, 5}: protected, {3, 3}: protected,
			} {
				initiator := ioCapability{byte(a), 0, requirements[0]}
				responder := ioCapability{byte(b), 0, requirements[1]}
				if got := associate(initiator, responder); got != want {
					t.Errorf("initiator %v, responder %v: %+v, want %+v", initiator, responder, got, want)
				}
			}
		}
	}
}
