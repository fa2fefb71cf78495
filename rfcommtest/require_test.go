package rfcommtest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// A recorder is a test that records its end.
type recorder struct {
	testing.TB
	end string
}

func (r *recorder) Helper()           {}
func (r *recorder) Skip(args ...any)  { r.exit("skip", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any) { r.exit("fail", fmt.Sprint(args...)) }
func (r *recorder) Fatalf(format string, args ...any) {
	r.exit("fail", fmt.Sprintf(format, args...))
}

func (r *recorder) exit(end, text string) {
	r.end = end + ": " + text
	runtime.Goexit()
}

func TestRequireSkipsOrFails(t *testing.T) {
	err := available()
	if err == nil {
		t.Skip("this kernel has Bluetooth")
	}
	for value, want := range map[string]string{
		"":    "skip: " + err.Error(),
		"0":   "skip: " + err.Error(),
		"1":   "fail: " + err.Error(),
		"yes": `fail: rfcommtest: the environment variable RFCOMMTEST_REQUIRE is "yes"`,
	} {
		t.Setenv(requireVariable, value)
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			Require(r, Config{})
		}()
		if <-done; !strings.HasPrefix(r.end, want) {
			t.Errorf("%s=%q: %q, want %q", requireVariable, value, r.end, want)
		}
	}
}
