package labtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// PyBluez returns a command that runs a script with PyBluez. It is Python with
// the module of PyBluez.
func PyBluez(t testing.TB, script string, arguments ...string) *exec.Cmd {
	t.Helper()
	return Python(t, "bluetooth", "python3-bluez", script, arguments...)
}

// Python returns a command that runs a script with the system's Python, until
// the test ends. It skips the test if the system lacks a module, and names its
// Debian package.
func Python(t testing.TB, module, debian, script string, arguments ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(filepath.Join("/usr/lib/python3/dist-packages", module)); err != nil {
		t.Skipf("needs the Python module %s (package %s): %v", module, debian, err)
	}
	return exec.CommandContext(t.Context(), "/usr/bin/python3", append([]string{"-c", script}, arguments...)...)
}
