package labscript

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const (
	refusal = "lab: this machine cannot run the lab:"
	hint    = `see "Requirements" in lab/README.md`
)

// scripts are those that need the machine.
var scripts = []string{"lab/run", "lab/test", "lab/bench", "lab/faults"}

// uname returns a stand-in for uname.
func uname(system, processor string) string {
	return fmt.Sprintf("case $1 in -s) echo %s ;; -m) echo %s ;; esac", system, processor)
}

// otherBash makes bash take itself for another version. Its variable
// BASH_VERSION can be changed, and it reads BASH_ENV before the script.
func otherBash(t *testing.T, version string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "environment")
	if err := os.WriteFile(path, []byte("BASH_VERSION='"+version+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "BASH_ENV=" + path
}

func TestSupportRefusesOtherMachines(t *testing.T) {
	basics := []string{"bash", "dirname", "sed", "go"}
	refused := map[string]struct {
		host    func(t *testing.T) host
		reasons []string
	}{
		"arm64": {
			func(t *testing.T) host {
				return beside(standIns(t, map[string]string{"uname": uname("Linux", "aarch64")}))
			},
			[]string{"the processor is aarch64: the lab needs x86_64 (amd64)"},
		},
		"macOS with its bash": {
			func(t *testing.T) host {
				h := beside(standIns(t, map[string]string{"uname": uname("Darwin", "arm64")}))
				h.environment = []string{otherBash(t, "3.2.57(1)-release")}
				return h
			},
			[]string{
				"the processor is arm64: the lab needs x86_64", "the system is macOS: the lab needs Linux",
				"bash is 3.2.57(1)-release: the lab needs 5.1 or newer",
			},
		},
		"no dpkg": {
			func(t *testing.T) host {
				return only(t, standIns(t, map[string]string{"uname": uname("Linux", "x86_64"), "apt-get": "", "apt-cache": ""}), basics...)
			},
			[]string{"programs are missing: dpkg: the lab needs Debian or Ubuntu"},
		},
		"another distribution, without Go": {
			func(t *testing.T) host {
				return only(t, standIns(t, map[string]string{"uname": uname("Linux", "x86_64")}), basics[:3]...)
			},
			[]string{"programs are missing: dpkg, apt-get, apt-cache: the lab", "there is no program go: install Go"},
		},
	}
	for name, tt := range refused {
		t.Run(name, func(t *testing.T) {
			h := tt.host(t)
			lines := append(append([]string{refusal}, tt.reasons...), hint)
			for _, script := range scripts {
				t.Run(script, func(t *testing.T) { h.bash(t, script, "-nonsense").check(t, 125, lines...) })
			}
		})
	}
}

func TestSupportRefusesOldBash(t *testing.T) {
	for version, refused := range map[string]bool{
		"3.2.57(1)-release": true, "4.4.20(1)-release": true, "5.0.18(1)-release": true,
		"5.1.4(1)-release": false, "5.2.15(1)-release": false, "5.10.0(1)-release": false, "10.0.0(1)-release": false,
	} {
		h := beside(t.TempDir())
		h.environment = []string{otherBash(t, version)}
		got := h.bash(t, "-c", ". lab/support.sh; support_require bash")
		if refused {
			got.check(t, 125, refusal, "bash is "+version+": the lab needs 5.1 or newer", hint)
		} else {
			got.check(t, 0)
		}
	}
}

// The tests of lab/test -host need no virtual machine.
func TestSupportPermitsHostTests(t *testing.T) {
	h := beside(standIns(t, map[string]string{"uname": uname("Darwin", "arm64")}))
	h.bash(t, "lab/test", "-host", "-nonsense").check(t, 2, "unknown option -nonsense")
	h.environment = []string{otherBash(t, "5.0.18(1)-release")}
	h.bash(t, "lab/test", "-host", "-nonsense").check(t, 125, refusal, "bash is 5.0.18", hint)
}
