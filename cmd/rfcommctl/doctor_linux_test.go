package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/daemons"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// The kinds of programs that are kept from Bluetooth sockets.
const (
	filtered    = "filtered"     // by seccomp, as by systemd
	otherKernel = "other kernel" // by seccomp, and without the trace of the module
)

func init() {
	programs[filtered] = becomeFiltered
	programs[otherKernel] = func() {
		hideModule()
		becomeFiltered()
	}
}

// hideModule hides the trace of the kernel's module for Bluetooth, in the mount
// namespace of the process.
func hideModule() {
	for _, err := range []error{
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("none", "/sys/module", "tmpfs", 0, ""),
	} {
		if err != nil {
			panic(err)
		}
	}
}

// becomeFiltered replaces the process by the program, for which the kernel has no
// Bluetooth: a filter answers socket(2) as a kernel without it does.
func becomeFiltered() {
	runtime.LockOSThread()
	const number, family = 0, 16 // of the system call and its first argument in struct seccomp_data
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: family},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.AF_BLUETOOTH, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EAFNOSUPPORT)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	for _, err := range []error{
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
		setFilter(&program),
		os.Setenv(programVariable, "1"),
		syscall.Exec("/proc/self/exe", os.Args, os.Environ()),
	} {
		if err != nil {
			panic(err)
		}
	}
}

// A situation is a state of the machine, and the finding of doctor in it.
type situation struct {
	name   string
	begin  func(t *testing.T, l *labtest.Lab) // or nil
	change func(*exec.Cmd)                    // of the program before its start, or nil

	status                       int
	check, state, detail, remedy string
}

// diagnose brings about each situation, and checks the finding of doctor about the
// near adapter.
func (r *radio) diagnose(t *testing.T, situations []situation) {
	for _, s := range situations {
		t.Run(s.name, func(t *testing.T) {
			if s.begin != nil {
				s.begin(t, labtest.Require(t))
			}
			c := r.program(t, "doctor", "--json", "-t", "60s", "-i", r.near.String())
			if s.change != nil {
				s.change(c)
			}
			stdout, _ := checked(t, s.status, "", c)
			wantFinding(t, parseFindings(t, stdout), s.check, s.state, s.detail, s.remedy)
		})
	}
}

// as makes the program another one.
func as(kind string) func(*exec.Cmd) {
	return func(c *exec.Cmd) {
		c.Env = append(c.Env, programVariable+"="+kind)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS} // as root
	}
}

// asRoot runs the program with the rights of the test.
func asRoot(c *exec.Cmd) { c.SysProcAttr = nil }

// inNamespace runs the program in a network namespace of its own.
func inNamespace(c *exec.Cmd) { c.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET }

// ofDevice makes doctor check the far adapter, too.
func (r *radio) ofDevice(c *exec.Cmd) { c.Args = append(c.Args, r.far.String()) }

// containerFile makes a machine look like a container of Docker.
const containerFile = "/.dockerenv"

// setContainer makes the machine a container, or not, until the end of the test.
func setContainer(t *testing.T, container bool) {
	t.Helper()
	_, err := os.Stat(containerFile)
	before := err == nil
	set := func(container bool) {
		os.Remove(containerFile)
		if container {
			os.WriteFile(containerFile, nil, 0o644)
		}
	}
	set(container)
	t.Cleanup(func() { set(before) })
}

// Each situation is a real one, except for the kernel without Bluetooth: a filter
// of system calls, and a hidden directory, make one of the lab's.
func TestRFCOMMDoctor(t *testing.T) {
	r := overRFCOMM(t)
	setContainer(t, false)
	os.Remove("/run/dbus/system_bus_socket") // of an earlier test
	r.diagnose(t, []situation{
		{"other kernel", nil, as(otherKernel), 1, "kernel", stateProblem, "bluetooth", "modprobe bluetooth"},
		{"sandbox", nil, as(filtered), 5, "namespace", stateProblem, "seccomp", "RestrictAddressFamilies="},
		{"namespace", nil, inNamespace, 1, "namespace", stateProblem, "another network namespace", "sudo nsenter --target 1 --net"},
		{"container", func(t *testing.T, _ *labtest.Lab) { setContainer(t, true) }, inNamespace,
			1, "namespace", stateProblem, "another network namespace", "docker run --network host"},
		{"no module", func(_ *testing.T, l *labtest.Lab) { l.Sync(); l.UnloadRFCOMM() }, nil,
			1, "rfcomm", stateProblem, "rfcomm is not loaded", "sudo modprobe rfcomm"},
		{"device", func(t *testing.T, _ *labtest.Lab) { r.publish(t, sdp.NewSerialPort("GPS", 7)) }, r.ofDevice,
			1, "serial service", stateOK, r.far.String() + "/7", ""},
		{"device out of range", func(_ *testing.T, l *labtest.Lab) { l.Sync(); l.NoScan(labtest.DeviceAdapter) }, r.ofDevice,
			1, "range", stateProblem, "does not answer", "rfcommctl scan"},
		{"no bus", nil, nil, 1, "bus", stateProblem, "system bus", "dbus"},
	})
	daemons.SystemBus(t)
	r.diagnose(t, []situation{
		{"no bluetoothd", nil, nil, 1, "bluetoothd", stateProblem, "bluetoothd is not", "blue"},
	})
}

// testDoctor tests doctor while bluetoothd runs.
func testDoctor(t *testing.T, r *radio) {
	setContainer(t, false)
	name := "hci0"
	r.diagnose(t, []situation{
		{"no permission", nil, nil, 0, "serial ports", stateWarning, "nobody is not in the group dialout", "sudo usermod -aG dialout nobody"},
		{"policy", func(t *testing.T, _ *labtest.Lab) { daemons.DenyNobody(t) }, nil,
			5, "pairing", stateProblem, "nobody must not use bluetoothd", "sudo rfcommctl pair"},
		{"not connectable", func(_ *testing.T, l *labtest.Lab) { l.NoScan(labtest.DialerAdapter) }, nil,
			0, "page scan", stateWarning, "no device can connect to " + name, "--discoverable 3m"},
		{"off", func(_ *testing.T, l *labtest.Lab) { l.Down(labtest.DialerAdapter) }, nil,
			3, "power", stateProblem, name + " is off", "rfcommctl adapters -i " + name + " --power on"},
		{"all well", func(t *testing.T, l *labtest.Lab) {
			l.Down(labtest.DialerAdapter)
			r.runs(t, 0, "", "adapters", "-i", name, "--power", "on") // the remedy
			r.Scan(labtest.DialerAdapter)
		}, asRoot, 0, "power", stateOK, name + " is on", ""},
		{"rfkill", func(t *testing.T, _ *labtest.Lab) { labtest.BlockRadio(t) }, nil,
			3, "rfkill", stateProblem, name + " is blocked (rfkill)", "sudo rfkill unblock bluetooth"},
	})
	// bluetoothd restores the state before the block, a moment later.
	r.Up(labtest.DialerAdapter)
	r.Up(labtest.DeviceAdapter)
}

func setFilter(program *unix.SockFprog) error {
	_, _, errno := unix.Syscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(program)))
	if errno != 0 {
		return os.NewSyscallError("prctl", errno)
	}
	return nil
}
