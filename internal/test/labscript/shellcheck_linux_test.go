package labscript

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// scriptFiles returns the shell scripts of this module.
func scriptFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "lab"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{".ci/run"}
	for _, entry := range entries {
		if entry.Type().IsRegular() && filepath.Ext(entry.Name()) != ".md" {
			names = append(names, "lab/"+entry.Name())
		}
	}
	return names
}

func TestScriptsPassShellcheck(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(shellcheck, append([]string{"--external-sources"}, scriptFiles(t)...)...)
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestScriptsParse(t *testing.T) {
	for _, name := range scriptFiles(t) {
		beside(t.TempDir()).bash(t, "-n", name).check(t, 0)
	}
}
