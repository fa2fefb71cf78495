package main

import (
	"strings"
	"testing"
)

func TestRootRefusesWrongUsage(t *testing.T) {
	for line, part := range map[string]string{
		"":                                   "a command is missing: adapters, completion, connect, ",
		"scann":                              "did you mean scan?",
		"conect x":                           "did you mean connect?",
		"nonsense":                           `unknown command "nonsense" (see`,
		"--nonsense":                         "--nonsense",
		"help nonsense":                      `unknown command "nonsense"`,
		"help scan x":                        `unknown command "x"`,
		"scan x":                             `unexpected word "x"`,
		"scan --tcp 127.0.0.1:1":             "does not work over TCP",
		"scan -x":                            "-x",
		"adapters --tcp x":                   "does not work over TCP",
		"adapters x":                         `unexpected word "x"`,
		"services":                           "DEVICE is missing",
		"services --tcp 127.0.0.1:1":         "does not work over TCP",
		"services a b":                       `unexpected word "b"`,
		"services 00:AA:01:00:00:01 --tcp x": "does not work over TCP",
		"services 00:AA:01:00:00:01/3":       "has a channel",
		"services 00:AA:01:00:00:01 --xml --json": "exclude each other",
		"services 00:AA:01:00:00:0":               "should look like",
		"completion":                              "bash, zsh and fish",
		"completion tcsh":                         "bash, zsh and fish",
	} {
		f := newFake(t)
		stdout, stderr := f.runs(t, statusUsage, strings.Fields(line)...)
		wantError(t, stderr, part)
		if stdout != "" || len(f.inquiries) > 0 {
			t.Errorf("%s: printed %q, inquiries %v", line, stdout, f.inquiries)
		}
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	f := newFake(t)
	_, all := f.commands(t)
	lines := []string{"--help", "-h", "help", "help connect", "scan -h"}
	for _, c := range all {
		lines = append(lines, c.Name()+" --help")
	}
	for _, width := range []int{40, 60, 80, 200} {
		f.tool.columns = width
		for _, line := range lines {
			stdout, stderr := f.runs(t, 0, strings.Fields(line)...)
			wantParts(t, stdout, "Usage:\n  rfcommctl", "Flags:\n", "--quiet", "--help")
			if stderr != "" || strings.Contains(stdout, "[flags]") {
				t.Errorf("%s: stderr %q, stdout %q", line, stderr, stdout)
			}
			for text := range strings.Lines(stdout) {
				text = strings.TrimRight(text, "\n")
				if words := strings.Fields(strings.TrimSuffix(text, " \\")); columns(text) > width && len(words) > 1 {
					t.Errorf("%s, %d columns: %d in %q", line, width, columns(text), text)
				}
			}
		}
	}
}
