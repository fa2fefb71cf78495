package rfcommtest

import (
	"errors"
	"testing"
)

// Require returns a radio that is closed at the end of the test. Where there can
// be none, it skips the test and says what is missing.
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
