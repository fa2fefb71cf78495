package labscript

import (
	"os"
	"path/filepath"
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

// runLabTest runs lab/test with a stand-in for lab/run that runs withNewest for
// the newest kernel.
func runLabTest(t *testing.T, withNewest string, arguments ...string) result {
	t.Helper()
	return runLabTestWith(t, `
		case "$2 $*" in
		newest*) `+withNewest+` ;;
		*" cat /proc/version") echo "Linux version 6.1.0 Debian 6.1.176-1" ;;
		*) echo "--- PASS: TestInMachine (0.00s)" ;;
		esac`, arguments...)
}

// runLabTestWith runs lab/test in a copy of the scripts, with stand-ins for the
// go command, for lab/run, and for lab/newer-bluez, which only prints a path.
func runLabTestWith(t *testing.T, run string, arguments ...string) result {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "lab"), os.DirFS(filepath.Join(root, "lab"))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"run": run, "newer-bluez": "echo bluez"} {
		if err := os.WriteFile(filepath.Join(dir, "lab", name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return debian(t, goAndGofmt).bash(t, append([]string{filepath.Join(dir, "lab", "test")}, arguments...)...)
}

// The newest kernel of the mirror may be broken at any time. That must not fail
// a change, nor be hidden.
func TestLabTestWithoutNewestKernel(t *testing.T) {
	const notTested = "newest: not tested: the kernel is missing or does not boot\n"
	for name, tt := range map[string]struct {
		withNewest string
		arguments  []string
		status     int
		notTested  bool
	}{
		"does not boot":  {"exit 123", nil, 0, true},
		"set-up fails":   {"exit 125", nil, 1, false},
		"with -long":     {"exit 123", []string{"-long"}, 1, false},
		"with -k newest": {"exit 123", []string{"-k", "newest"}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := runLabTest(t, tt.withNewest, tt.arguments...)
			if got.status != tt.status || strings.Contains(got.stdout, "\n"+notTested) != tt.notTested {
				t.Errorf("status %d, want %d, and %q in the output: %v\n%s%s",
					got.status, tt.status, notTested, tt.notTested, got.stdout, got.stderr)
			}
		})
	}
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

func TestLabTestCountsSkips(t *testing.T) {
	const run = `
		case $* in
		*" cat /proc/version") echo "Linux version 6.12.1 Debian 6.12.118-1" ;;
		*) printf "%s\n" "=== RUN   TestA" "=== RUN   TestA/sub" "    a.go:1: $REASON" \
			"=== RUN   TestB" "    a.go:2: needs root" "--- SKIP: TestB (0.00s)" \
			"--- PASS: TestA (0.00s)" "    --- SKIP: TestA/sub (0.00s)" ;;
		esac`
	for reason, status := range map[string]int{"needs root": 0, "no patience": 1} {
		got := runLabTestWith(t, "REASON='"+reason+"'"+run)
		printed := strings.Contains(got.stdout, "a.go:1: "+reason+"\n    --- SKIP: TestA/sub")
		if got.status != status || printed != (status != 0) {
			t.Errorf("%s: status %d, want %d:\n%s", reason, got.status, status, got.stdout)
		}
		if strings.Contains(got.stdout, "needs root\n--- SKIP: TestB") {
			t.Errorf("%s: lab/test counts a skip for a permitted reason:\n%s", reason, got.stdout)
		}
	}
}
