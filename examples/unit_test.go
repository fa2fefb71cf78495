package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// unitOf returns the unit of systemd that starts a program.
func unitOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(name, name+".service"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A wrong flag has status 2.
func TestUnitsHaveFlagsOfProgram(t *testing.T) {
	for _, name := range []string{"pair", "relay"} {
		unit := unitOf(t, name)
		words := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/` + name + ` (.*)$`).FindStringSubmatch(unit)
		if words == nil {
			t.Fatalf("the unit does not start /usr/local/bin/%s:\n%s", name, unit)
		}
		run(t, 1, name, strings.Fields(words[1]), withoutBus)
	}
}

func TestUnitsAreValid(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skipf("needs systemd-analyze (package systemd): %v", err)
	}
	for _, name := range []string{"pair", "relay"} {
		// systemd-analyze wants the program of ExecStart and the required unit to
		// exist.
		valid := strings.NewReplacer("/usr/local/bin/"+name, program(name), "Requires=bluetooth.service\n", "").Replace(unitOf(t, name))
		copied := filepath.Join(t.TempDir(), name+".service")
		if err := os.WriteFile(copied, []byte(valid), 0o600); err != nil {
			t.Fatal(err)
		}
		output, err := exec.Command(analyze, "verify", copied).CombinedOutput()
		if err != nil || len(output) > 0 {
			t.Errorf("systemd-analyze verify: %v\n%s", err, output)
		}
	}
}
