package labscript

import (
	"strings"
	"testing"
)

func TestRunRefusesWrongOptions(t *testing.T) {
	h := debian(t, nil)
	for _, tt := range []struct {
		arguments string
		stderr    string
	}{
		{"", "no command given"},
		{"-e", "option -e needs a value"},
		{"-k5.10 true", "-k 5.10: the kernels are "},
		{"-t 5parsecs true", "-t 5parsecs: not a duration"},
		{"-u nobody-here true", "-u nobody-here: no such user"},
		{"-accel xen true", "-accel xen: neither tcg nor kvm"},
		{"-e =secret true", "-e : not the name of a variable"},
		{"-e 1a=secret true", "-e 1a: not the name of a variable"},
		{"-e a.b true", "-e a.b: not the name of a variable"},
		{"-e RFCOMM_LAB=x true", "the lab sets this variable itself"},
		{"-k 6.1 --", "no command given"},
	} {
		arguments := append([]string{"lab/run"}, strings.Fields(tt.arguments)...)
		got := h.bash(t, arguments...)
		got.check(t, 2, tt.stderr)
		if strings.Contains(got.stderr, "secret") {
			t.Errorf("%s: the message contains the variable's value: %s", tt.arguments, got.stderr)
		}
	}
}

// variablesScript prints the variables that lab/run's options -e pass on, each in
// a line, as bash quotes it.
const variablesScript = `
set -euo pipefail
. lab/job.bash
environment_read
LAB=overwritten
variable_pass LAB
variable_pass UNSET_VARIABLE
variable_pass EMPTY
variable_pass 'ASSIGNED=a=b "c"'
variable_pass TWO_LINES
((!${#VARIABLES[@]})) || printf '%q\n' "${VARIABLES[@]}"
`

func TestVariablePassKeepsValues(t *testing.T) {
	h := beside(t.TempDir())
	h.environment = []string{"LAB=the user's", "EMPTY=", "TWO_LINES=1\n2"}
	got := h.bash(t, "-c", variablesScript)
	got.check(t, 0)
	want := `LAB=the\ user\'s` + "\nEMPTY=\nASSIGNED=a=b\\ \\\"c\\\"\n$'TWO_LINES=1\\n2'\n"
	if got.stdout != want {
		t.Errorf("passed on:\n%s\nwant:\n%s", got.stdout, want)
	}
}
