package examples_test

import (
	"crypto/sha256"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// withTemporary sets the directory for temporary files.
func withTemporary(dir string) setting {
	return func(c *exec.Cmd) { c.Env = append(c.Env, "TMPDIR="+dir, "TMP="+dir) }
}

func TestDemo(t *testing.T) {
	temporary := t.TempDir()
	file := filepath.Join(t.TempDir(), "my photo.jpg")
	for _, size := range []int{0, 1, 1_500_000} {
		content := newFile(t, file, size)
		stdout, stderr := run(t, 0, "demo", []string{file}, withTemporary(temporary))
		checkSilent(t, stderr)
		checkText(t, stdout, "File        "+file, "Connection  ", "Plain dialect", "Framed dialect", fmt.Sprintf("received %d bytes", size), "Both received contents are equal")
		if n := strings.Count(stdout, "server: Enter the file name\n"); n != 2 {
			t.Errorf("it shows the prompt %d times, want twice", n)
		}
		if n := strings.Count(stdout, fmt.Sprintf("%x", sha256.Sum256(content))); n != 4 {
			t.Errorf("it shows the file's SHA-256 %d times, want 4 times:\n%s", n, stdout)
		}
		checkFiles(t, temporary)
	}
}

func TestDemoWithoutFile(t *testing.T) {
	stdout, stderr := run(t, 0, "demo", nil, withTemporary(t.TempDir()))
	checkSilent(t, stderr)
	checkText(t, stdout, "File        ", "demo", "Both received contents are equal")
}

func TestDemoReportsMissingFile(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "missing"), t.TempDir()} {
		_, stderr := run(t, 1, "demo", []string{path})
		checkText(t, stderr, "demo: ", path)
	}
}
