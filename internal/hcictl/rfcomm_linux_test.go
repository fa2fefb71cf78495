package hcictl

import "testing"

func TestThreadState(t *testing.T) {
	for stat, want := range map[string]byte{
		"57 (krfcommd) S 2 0 0 0 -1 2129984 0": 'S',
		"57 (krfcommd) D 2 0 0 0 -1 2129984 0": 'D',
		"57 (krfcommd) ":                       0,
		"58 (krfcommd2) S 2 0 0":               0,
		"59 (a krfcommd) S 2 0 0":              0,
		"":                                     0,
	} {
		if got := threadState(stat, "krfcommd"); got != want {
			t.Errorf("%q: %q, want %q", stat, got, want)
		}
	}
}
