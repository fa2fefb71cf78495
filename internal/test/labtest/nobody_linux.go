package labtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nobody is the ID of the user and group without rights in Debian.
const nobody = 65534

// AsNobody returns a command that runs this test binary as user nobody. It ends
// with the test. A test that runs as root thus tests the part of its work that
// needs no privilege. Capabilities can be added in SysProcAttr.AmbientCaps.
func AsNobody(t testing.TB, arguments ...string) *exec.Cmd {
	t.Helper()
	RequireRoot(t)
	c := exec.CommandContext(t.Context(), readableBinary(t), arguments...)
	SetNobody(c)
	return c
}

// SetNobody makes a command run as user nobody. That user must be able to reach
// its program.
func SetNobody(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// readableBinary returns the path of this binary or, if its directories are not
// open to every user, of a copy.
func readableBinary(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if open(filepath.Dir(path)) {
		return path
	}
	dir, err := os.MkdirTemp("", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "test")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, binary, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

// open reports whether every user can reach the files of a directory.
func open(dir string) bool {
	const search = 0o001
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&search == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}
