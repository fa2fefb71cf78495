package rfcommtest

import (
	"errors"
	"testing"
)

// Require returns a new radio and closes it at the end of the test. If the
// machine cannot run a radio, as described at [NewRadio], Require skips the
// test and logs the cause.
func Require(t testing.TB, config Config) *Radio {
	t.Helper()
	r, err := NewRadio(config)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
