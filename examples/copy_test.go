package examples_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A user begins with a copy of an example, in a module without other files.
func TestExamplesCompileAsCopies(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	copies := t.TempDir()
	module := fmt.Sprintf("module example.com/copies\n\ngo 1.26\n\nrequire github.com/go-rfcomm/rfcomm v0.0.0\n\nreplace github.com/go-rfcomm/rfcomm => %s\n", root)
	if err := os.WriteFile(filepath.Join(copies, "go.mod"), []byte(module), 0o600); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(root, "go.sum"), filepath.Join(copies, "go.sum"))
	programs, err := filepath.Glob("*/main.go")
	if err != nil || len(programs) < 9 {
		t.Fatalf("the examples are %q, %v", programs, err)
	}
	for _, name := range programs {
		copyDirectory(t, filepath.Dir(name), filepath.Join(copies, filepath.Dir(name)))
	}
	for _, arguments := range [][]string{{"build", "./..."}, {"vet", "./..."}} {
		c := exec.Command("go", arguments...)
		c.Dir = copies
		c.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if output, err := c.CombinedOutput(); err != nil {
			t.Fatalf("go %q: %v\n%s", arguments, err, output)
		}
	}
}

// copyDirectory copies the files of a directory.
func copyDirectory(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		copyFile(t, filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name()))
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
