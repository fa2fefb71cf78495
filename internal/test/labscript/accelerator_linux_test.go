package labscript

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bootScript boots a machine with -accel kvm as lab/run does. It prints the
// accelerators with which QEMU was started.
const bootScript = `
set -euo pipefail
note() { printf 'lab: %s\n' "$*" >&2; }
fail() { note "$*"; exit 125; }
. lab/machine.bash
JOB=$1 CACHE=$2 LIMIT=60s LIMIT_SECONDS=60 ACCELERATOR=kvm KERNEL_IMAGE=image KERNEL_INITRAMFS=initramfs
export JOB
`

// qemu returns a stand-in for QEMU, which runs withKVM if it is to use KVM, and
// otherwise starts the command, which exits with status 7.
func qemu(withKVM string) string {
	return `
		echo "$*" | grep -o 'accel [a-z]*' >>"$JOB/started"
		case "$*" in *"accel kvm"*) ` + withKVM + ` ;; esac
		printf 'started\nexit 7\n' >"$JOB/reports"`
}

// boot boots a machine with a stand-in for QEMU, and returns the accelerators
// with which it was started.
func boot(t *testing.T, cache, withKVM, settings string) (got result, started string) {
	t.Helper()
	h := beside(standIns(t, map[string]string{"qemu-system-x86_64": qemu(withKVM)}))
	job := standIns(t, map[string]string{"guest": "exec cat"}) // it relays no output
	got = h.bash(t, "-c", bootScript+settings+"\naccelerator_check\nmachine_boot", "bash", job, cache)
	log, err := os.ReadFile(filepath.Join(job, "started"))
	if err != nil {
		t.Fatal(err, got)
	}
	return got, strings.Join(strings.Fields(strings.ReplaceAll(string(log), "accel", "")), " ")
}

func TestAcceleratorFallsBack(t *testing.T) {
	device := filepath.Join(t.TempDir(), "kvm")
	if err := os.WriteFile(device, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	hang := "exec sleep 60"
	// The time is up when the command has started, and before the machine ends.
	const timeUp = `read() {
		[[ $* == *-t* ]] || { builtin read "$@"; return; }
		until reported started; do sleep 0.01; done
	}`
	for name, tt := range map[string]struct {
		withKVM, settings string
		started           string
		line              []string
	}{
		"works":      {":", "", "kvm", nil},
		"starts":     {`echo started >"$JOB/reports"; sleep 0.3`, timeUp, "kvm", nil},
		"no device":  {":", "KVM_DEVICE=/dev/absent", "tcg", []string{"kvm does not work: there is no /dev/absent; continuing with tcg"}},
		"forbidden":  {":", "KVM_DEVICE=/", "tcg", []string{"kvm does not work: no permission to open /; continuing with tcg"}},
		"error":      {"echo warning: old; echo no MSR; exit 1", "", "kvm tcg", []string{"kvm does not work: no MSR; continuing with tcg"}},
		"crash":      {"kill -ABRT $$", "", "kvm tcg", []string{"kvm does not work: QEMU ended without a message; continuing with tcg"}},
		"no command": {hang, "KVM_PATIENCE=0.2", "kvm tcg", []string{"kvm does not work: the command was not started within 0.2 s; continuing with tcg"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, started := boot(t, t.TempDir(), tt.withKVM, "KVM_DEVICE="+device+"\n"+tt.settings)
			got.check(t, 7, tt.line...)
			if started != tt.started {
				t.Errorf("started with %q, want %q", started, tt.started)
			}
		})
	}
}

// A machine must not wait for KVM again and again.
func TestAcceleratorRemembersFailure(t *testing.T) {
	cache := t.TempDir()
	boot(t, cache, "exit 1", "KVM_DEVICE=/dev/null")
	got, started := boot(t, cache, ":", "KVM_DEVICE=/dev/null")
	got.check(t, 7, "kvm does not work: an earlier machine did not start (remove "+cache+"/kvm-failed to try again)")
	if started != "tcg" {
		t.Errorf("started with %q, want tcg", started)
	}
	got, started = boot(t, cache, ":", "KVM_DEVICE=/dev/null BOOT_ID=/proc/version") // after a reboot
	got.check(t, 7)
	if started != "kvm" {
		t.Errorf("after a reboot: started with %q, want kvm", started)
	}
}

func TestAcceleratorPatienceIsShort(t *testing.T) {
	got := beside(t.TempDir()).bash(t, "-c", `. lab/machine.bash; ((KVM_PATIENCE < 20))`)
	got.check(t, 0)
}

// A kernel that stops in its boot does not use up the time limit of the command.
func TestMachineBootEndsHang(t *testing.T) {
	h := beside(standIns(t, map[string]string{"qemu-system-x86_64": `
		[ ! -e "$JOB/hung" ] || { printf 'started\nexit 7\n' >"$JOB/reports"; exit; }
		: >"$JOB/hung"
		exec sleep 60`}))
	job := standIns(t, map[string]string{"guest": "exec cat"})
	got := h.bash(t, "-c", bootScript+`
		ACCELERATOR=tcg TCG_PATIENCE=0.2
		machine_boot`, "bash", job, t.TempDir())
	got.check(t, 7, "the guest ended before the command had started: the command was not started within 0.2 s")
}

// A kernel that does not boot is distinguished from a lab that fails.
func TestMachineBootReportsNoBoot(t *testing.T) {
	h := beside(standIns(t, map[string]string{"qemu-system-x86_64": "echo no memory; exit 1"}))
	job := standIns(t, map[string]string{"guest": "exec cat"})
	got := h.bash(t, "-c", "exec 2>&1"+bootScript+`
		. lab/kernels.bash
		ACCELERATOR=tcg
		machine_boot`, "bash", job, t.TempDir())
	const want = "lab: the guest ended before the command had started: no memory\n"
	if got.status != 123 || strings.Count(got.stdout, want) != 3 || !strings.Contains(got.stdout, "did not boot in 3 attempts") {
		t.Errorf("status %d, want 123:\n%s", got.status, got.stdout)
	}
}
