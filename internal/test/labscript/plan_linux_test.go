package labscript

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// runJobs stands in for lab/run. It prints the version of a kernel, or appends
// to a file the kernel, the user, the first binary, and its arguments.
const runJobs = `
kernel=$2 user=$4
case $kernel in
newest) version=7.3.4 ;;
*) version=$kernel.118 ;;
esac
case $* in
*/proc/version) echo "Linux version $version-amd64 #1 SMP Debian $version-1" ;;
*)
	shift 11 # options, and the shell that runs the binaries
	echo "$kernel $user ${1##*/} $*" >>"$JOBS"
	echo '--- PASS: TestInMachine (0.00s)'
	;;
esac`

// jobs are the lines of runJobs.
type jobs []string

// runPlan runs lab/test, and returns the jobs that it starts and its output.
func runPlan(t *testing.T, arguments ...string) (jobs, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "jobs")
	got := runLabTestWith(t, "JOBS="+file+runJobs, arguments...)
	if got.status != 0 {
		t.Fatalf("status %d:\n%s%s", got.status, got.stdout, got.stderr)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n"), got.stdout
}

// has reports whether a job begins with the words and contains the argument.
func (j jobs) has(begin, argument string) bool {
	return slices.ContainsFunc(j, func(job string) bool {
		return strings.HasPrefix(job, begin) && strings.Contains(job, argument)
	})
}

func TestLabTestPlan(t *testing.T) {
	got, printed := runPlan(t)
	for _, line := range []string{"Linux 6.12 is 6.12.118, full", "Linux 6.1 is 6.1.118, short", "Linux newest is 7.3.4, brief"} {
		if !strings.Contains(printed, line) {
			t.Errorf("lab/test does not print %q:\n%s", line, printed)
		}
	}
	for job, runs := range map[string]bool{
		"6.12 root integration.test": true, "6.12 nobody integration.test": true, "6.12 root soak.test": true, "6.12 root daemons.test": false,
		"6.1 root integration.test": true, "6.1 root radio.test": true, "6.1 root daemons.test": true, "6.1 nobody": false, "6.1 root soak.test": false,
		"newest root integration.test": true, "newest root rfcomm.test": true, "newest root daemons.test": true, "newest nobody": false,
		"newest root soak.test":              false,
		"6.12 root integration-shipped.test": true, "6.1 root integration-shipped.test": false, "newest root integration-shipped.test": false,
		"6.12 root bluez.test": false, "6.1 root bluez.test": true, "newest root bluez.test": true,
		"6.12 root radio.test": false, "6.12 root filetransfer.test": false, "6.1 root filetransfer.test": true,
		"6.12 root serial.test": false, "6.1 root serial.test": true, "newest root serial.test": true,
	} {
		if got.has(job, "") != runs {
			t.Errorf("%s: runs %v, want %v", job, !runs, runs)
		}
		if full := strings.HasPrefix(job, "6.12 root"); runs && got.has(job, "-test.short") == full && !strings.Contains(job, "shipped") && !strings.Contains(job, "nobody") {
			t.Errorf("%s: the rounds are those of another portion", job)
		}
	}
	for _, kernel := range []string{"6.1", "newest"} {
		if !got.has(kernel+" root daemons.test", "/sdp.test ") {
			t.Errorf("%s does not run the tests of sdp", kernel)
		}
	}
	if !got.has("6.12 nobody integration.test", "/rfcomm.test ") || got.has("6.12 nobody rfcomm.test", "") {
		t.Error("the tests of the root package do not run as nobody in the machine of integration")
	}
	for kernel, leftOut := range map[string]string{"6.1": "^TestDialCrossesADialOfThePeer$", "newest": "^TestPINLevelAfterEncryption$"} {
		if !got.has(kernel+" root integration.test", leftOut) || got.has("6.12", leftOut) {
			t.Errorf("%s is not left out on %s alone", leftOut, kernel)
		}
	}
	for kernel, leftOut := range map[string]bool{"6.1": false, "newest": true} {
		if got.has(kernel+" root bluez.test", "|TestCalls|") != leftOut {
			t.Errorf("%s: the slow tests of bluetoothd are left out: %v, want %v", kernel, !leftOut, leftOut)
		}
	}
	if t.Failed() {
		t.Logf("the jobs are %q", got)
	}
}

func TestLabTestLongRunsAllEverywhere(t *testing.T) {
	got, _ := runPlan(t, "-long")
	for _, kernel := range []string{"6.12", "6.1", "newest"} {
		if !got.has(kernel+" root soak.test", "-soak.lasts=10m") || !got.has(kernel+" nobody integration.test", "") || !got.has(kernel+" root bluez.test", "") || got.has(kernel+" root integration.test", "-test.short") {
			t.Errorf("%s does not run all tests: %q", kernel, got)
		}
		if first := kernel == "6.12"; got.has(kernel+" root serial.test", " -long") != first || !got.has(kernel+" root faults.test", " -long") {
			t.Errorf("%s: faults of serial ports run with -long %v, want %v: %q", kernel, !first, first, got)
		}
	}
}

func TestLabTestMachinesAtOnce(t *testing.T) {
	for arguments, want := range map[string]string{
		"1 33554432": "1", "2 8388607": "1", // processors, and KiB of memory
		"2 8388608": "2", "2 12582911": "2",
		"2 12582912": "3", "64 33554432": "3",
	} {
		got := debian(t, nil).bash(t, "-c", ". lab/at_once.bash; machines_at_once "+arguments)
		if strings.TrimSpace(got.stdout) != want {
			t.Errorf("%s: %q machines, want %s; %s", arguments, got.stdout, want, got.stderr)
		}
	}
}
