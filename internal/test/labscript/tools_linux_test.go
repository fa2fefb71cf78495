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
		if !slices.Equal(got, want) || !slices.Contains(missing, "qemu-system-x86") {
			t.Errorf("tools_want %s: %v, want bluez: %t, obexftp: %t, and QEMU", groups, missing, want[0], want[1])
		}
	}
}

func TestToolsWantRefusesUnknownGroup(t *testing.T) {
	h := beside(t.TempDir())
	h.environment = []string{"RFCOMM_LAB_PACKAGES=everything"}
	h.bash(t, "lab/run", "true").check(t, 125, "no group of packages everything; the groups are tests and peers")
}
