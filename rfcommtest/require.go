package rfcommtest

import (
	"errors"
	"os"
	"strconv"
	"testing"
)

// requireVariable is the environment variable that makes Require fail instead
// of skip.
const requireVariable = "RFCOMMTEST_REQUIRE"

// Require returns a new radio and closes it at the end of the test. If the
// machine cannot run a radio, as described at [NewRadio], Require skips the
// test and logs the cause and its remedy.
//
// If the environment variable RFCOMMTEST_REQUIRE is 1, Require fails the test
// instead, so that tests in continuous integration cannot skip themselves
// unnoticed.
func Require(t testing.TB, config Config) *Radio {
	t.Helper()
	r, err := NewRadio(config)
	if errors.Is(err, errors.ErrUnsupported) && !required(t) {
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

// required reports whether requireVariable is true.
func required(t testing.TB) bool {
	t.Helper()
	value := os.Getenv(requireVariable)
	if value == "" {
		return false
	}
	required, err := strconv.ParseBool(value)
	if err != nil {
		t.Fatalf("rfcommtest: the environment variable %s is %q; want 1 or 0", requireVariable, value)
	}
	return required
}
