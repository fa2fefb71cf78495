package labtest

import (
	"os"
	"os/exec"
	"testing"
)

// pyBluezModule is the directory of PyBluez in Debian's package python3-bluez.
const pyBluezModule = "/usr/lib/python3/dist-packages/bluetooth"

// PyBluez returns a command that runs a script with the system's Python, until
// the test ends. It skips the test if the system lacks PyBluez.
func PyBluez(t testing.TB, script string, arguments ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(pyBluezModule); err != nil {
		t.Skipf("needs PyBluez (package python3-bluez): %v", err)
	}
	return exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{"-c", script}, arguments...)...)
}
