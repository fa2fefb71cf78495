package labtest

import (
	"os/exec"
	"testing"
)

// Program returns the path of a program that only some tests need. It skips the
// test if the program is missing, and names its Debian package.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("needs %s (package %s): %v", name, debian, err)
	}
	return path
}
