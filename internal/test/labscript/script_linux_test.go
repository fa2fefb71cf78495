package labscript

import (
	"path/filepath"
	"strings"
	"testing"
)

// root is the root of the module.
var root = filepath.Join("..", "..", "..")

// bash runs a script in the root of the module, and returns its output, both
// streams as one, and its exit status.
func bash(t *testing.T, script string) (output string, status int) {
	t.Helper()
	got := debian(t, nil).bash(t, "-c", "exec 2>&1\n"+script)
	return got.stdout, got.status
}

// must runs a script that must succeed, and returns its output.
func must(t *testing.T, script string) string {
	t.Helper()
	output, status := bash(t, script)
	if status != 0 {
		t.Fatalf("exit status %d of %s: %s", status, script, output)
	}
	return strings.TrimSpace(output)
}

func TestScriptsRefuseWrongOptions(t *testing.T) {
	series := must(t, ". lab/kernels.bash; all_series")
	for command, want := range map[string]string{
		"lab/run -k":             "option -k needs a value",
		"lab/run -k 5.10 true":   "-k 5.10: the kernels are " + series,
		"lab/run -k '' true":     "the kernels are " + series,
		"lab/run -t 10 -x":       "unknown option -x",
		"lab/test -k":            "option -k needs a value",
		"lab/test -k 5.10":       "-k 5.10: the kernels are " + series,
		"lab/test -k '6.1 6.12'": "the kernels are " + series,
		"lab/test -short -long":  "-short and -long cannot go together",
		"lab/test 6.1":           "unknown option 6.1",
		"lab/faults -k":          "option -k needs a value",
		"lab/faults -k 5.10":     "-k 5.10: the kernels are " + series,
		"lab/faults -long":       "unknown option -long",
		"lab/bench -k":           "option -k needs a value",
		"lab/bench -k 5.10":      "-k 5.10: the kernels are " + series,
		"lab/bench -only":        "option -only needs a value",
		"lab/bench -slow":        "unknown option -slow",
	} {
		script, _, _ := strings.Cut(command, " ")
		output, status := bash(t, command)
		if status != 2 || !strings.Contains(output, want) || !strings.Contains(output, "(see "+script+" -h)") {
			t.Errorf("%s: exit status %d, %q; want 2 and %q", command, status, output, want)
		}
	}
}

func TestScriptsPrintUsage(t *testing.T) {
	for _, script := range []string{"lab/run", "lab/test", "lab/faults", "lab/bench"} {
		for _, option := range []string{"-h", "--help"} {
			if got := must(t, script+" "+option); !strings.HasPrefix(got, "usage: "+script+" ") {
				t.Errorf("%s %s: %q", script, option, got)
			}
		}
	}
}
