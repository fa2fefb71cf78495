package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestPairWithoutBus(t *testing.T) {
	stdout, stderr := run(t, 1, "pair", nil, withoutBus)
	checkSilent(t, stdout)
	checkOneLine(t, stderr, "pair: ")
}

// unit is the unit of systemd that starts the program pair.
const unit = "pair/pair.service"

func TestPairAcceptsFlagsOfUnit(t *testing.T) {
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/pair (.*)$`).FindSubmatch(text)
	if words == nil {
		t.Fatalf("%s does not start /usr/local/bin/pair:\n%s", unit, text)
	}
	run(t, 1, "pair", strings.Fields(string(words[1])), withoutBus) // a wrong flag has status 2
}

func TestPairUnitIsValid(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skipf("needs systemd-analyze (package systemd): %v", err)
	}
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	// systemd-analyze wants the program of ExecStart and the required unit to
	// exist.
	valid := strings.NewReplacer("/usr/local/bin/pair", program("pair"), "Requires=bluetooth.service\n", "").Replace(string(text))
	copied := filepath.Join(t.TempDir(), "pair.service")
	if err := os.WriteFile(copied, []byte(valid), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(analyze, "verify", copied).CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, output)
	}
}
