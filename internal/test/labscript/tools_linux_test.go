package labscript

import (
	"slices"
	"strings"
	"testing"
)

// toolsMissing returns the packages that the lab installs on a machine without
// any program of them.
func toolsMissing(t *testing.T, groups string) []string {
	t.Helper()
	h := only(t, t.TempDir(), "bash")
	got := h.bash(t, "-c", `
		set -euo pipefail
		fail() { echo "$*" >&2; exit 125; }
		. lab/tools.bash
		PATH=${PATH%%:*}
		tools_want `+groups+`
		tools_missing`)
	got.check(t, 0)
	return strings.Fields(got.stdout)
}

func TestToolsMissingAreThoseNeeded(t *testing.T) {
	for groups, want := range map[string][]bool{"": {false, false}, "tests": {true, false}, "tests peers": {true, true}} {
		missing := toolsMissing(t, groups)
		got := []bool{slices.Contains(missing, "bluez"), slices.Contains(missing, "obexftp")}
		// The C compiler and shellcheck belong to the tests, as bluez does.
		for _, name := range []string{"gcc", "shellcheck"} {
			if slices.Contains(missing, name) != want[0] {
				t.Errorf("tools_want %s: %v, want %s: %t", groups, missing, name, want[0])
			}
		}
		if !slices.Equal(got, want) || !slices.Contains(missing, "qemu-system-x86") {
			t.Errorf("tools_want %s: %v, want bluez: %t, obexftp: %t, and QEMU", groups, missing, want[0], want[1])
		}
	}
}

func TestToolsWantRefusesUnknownGroup(t *testing.T) {
	h := debian(t, nil)
	h.environment = []string{"RFCOMM_LAB_PACKAGES=everything"}
	h.bash(t, "lab/run", "true").check(t, 125, "no group of packages everything; the groups are tests and peers")
}

// "go test" starts lab/run in the directories of the packages.
func TestRunRefusesRelativeCache(t *testing.T) {
	h := debian(t, nil)
	h.environment = []string{"RFCOMM_LAB_CACHE=cache"}
	h.bash(t, "lab/run", "true").check(t, 125, "the directory of the cache, cache, is not absolute")
}

// aptGet returns a stand-in for apt-get that prints the origin, the label and
// the address of the machine's sources, and has nothing to update.
func aptGet(sources string) string {
	return `case "$*" in *indextargets*) printf '%s\n' ` + sources + ` ;; esac`
}

func TestMirrorsFindFallsBackToDebian(t *testing.T) {
	const script = `
		set -euo pipefail
		note() { echo "$*" >&2; }
		. lab/kernels.bash
		mirrors_find "$1"
		sources_write trixie+trixie-security`
	for name, tt := range map[string]struct {
		sources string
		mirrors []string
		notes   []string
	}{
		"Debian": {
			"'Debian|Debian|http://mirror.example/debian' 'Debian|Debian-Security|http://mirror.example/security'",
			[]string{"http://mirror.example/debian trixie main", "http://mirror.example/security trixie-security main"}, nil,
		},
		"Ubuntu": {
			"'Ubuntu|Ubuntu|http://archive.example/ubuntu'",
			[]string{"http://deb.debian.org/debian trixie main", "http://deb.debian.org/debian-security trixie-security main"},
			[]string{"no Debian mirror; using deb.debian.org"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := beside(standIns(t, map[string]string{"apt-get": aptGet(tt.sources)}))
			got := h.bash(t, "-c", script, "bash", t.TempDir())
			got.check(t, 0, tt.notes...)
			lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
			if !slices.EqualFunc(lines, tt.mirrors, strings.HasSuffix) {
				t.Errorf("sources:\n%s\nwant lines that end in %q", got.stdout, tt.mirrors)
			}
		})
	}
}
