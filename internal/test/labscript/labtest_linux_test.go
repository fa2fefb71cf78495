package labscript

import (
	"strings"
	"testing"
)

// goAndGofmt are stand-ins under which everything compiles and passes.
var goAndGofmt = map[string]string{
	"gofmt": ":",
	"go": `
		while [ $# -gt 0 ]; do
			case $1 in -o) case $2 in *.test) : >"$2" ;; esac ;; esac
			shift
		done
		echo "--- PASS: TestStandIn (0.00s)"`,
}

// A check's failure must not end with nothing but FAILED.
func TestLabTestPrintsFailures(t *testing.T) {
	const failure = "panic in the stand-in"
	for name, command := range map[string]string{
		"vet":                   "vet ./...",
		"with race detector":    "test -race",
		"without race detector": "test .",
	} {
		t.Run(name, func(t *testing.T) {
			failing := `[ "$1 $2" != "` + command + `" ] || { echo "` + failure + `"; exit 1; }`
			h := debian(t, map[string]string{"gofmt": ":", "go": failing + goAndGofmt["go"]})
			got := h.bash(t, "lab/test", "-host")
			if got.status != 1 || !strings.Contains(got.stdout, failure) {
				t.Errorf("status %d, want 1 and %q:\n%s%s", got.status, failure, got.stdout, got.stderr)
			}
		})
	}
}
