package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// healthyHost returns the host of a machine whose Bluetooth works: of root, on
// Debian with systemd.
func healthyHost() host {
	return host{
		system: "linux",
		user:   "ada",
		groups: []int{1000},
		root: files(
			"proc/sys/kernel/osrelease", "6.12.1-amd64\n",
			"proc/version", "Linux version 6.12.1-amd64\n",
			"proc/sys/net/core/dev_weight", "64\n",
			"proc/self/status", "Name:\trfcommctl\nCapEff:\t0000000000000000\n",
			"sys/module/bluetooth/refcnt", "1\n",
			"etc/os-release", "NAME=\"Debian\"\nID=debian\n",
			"etc/group", "root:x:0:\ndialout:x:20:\n",
			"run/systemd/system/x", "",
			"usr/bin/dbus-daemon", "",
			"usr/libexec/bluetooth/bluetoothd", "",
		),
		socket: func() error { return nil },
		daemon: func(context.Context) ([]string, error) { return []string{"hci0"}, nil },
	}
}

// files returns a file system from pairs of a path and a content.
func files(pairs ...string) fstest.MapFS {
	root := make(fstest.MapFS)
	for i := 0; i < len(pairs); i += 2 {
		root[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return root
}

// with returns a file system without some files, given by the begin of their paths
// with a minus before, and with others.
func with(root fs.FS, pairs ...string) fstest.MapFS {
	changed := maps.Clone(root.(fstest.MapFS))
	var added []string
	for i := 0; i < len(pairs); i++ {
		if prefix, remove := strings.CutPrefix(pairs[i], "-"); remove {
			maps.DeleteFunc(changed, func(path string, _ *fstest.MapFile) bool { return strings.HasPrefix(path, prefix) })
			continue
		}
		added = append(added, pairs[i], pairs[i+1])
		i++
	}
	maps.Copy(changed, files(added...))
	return changed
}

// diagnose runs doctor and returns its findings.
func (f *fake) diagnose(t *testing.T, status int, arguments ...string) []finding {
	t.Helper()
	stdout, stderr := f.runs(t, status, append([]string{"doctor", "--json"}, arguments...)...)
	if stderr != "" {
		t.Errorf("standard error has %q", stderr)
	}
	return parseFindings(t, stdout)
}

// parseFindings returns the findings that doctor printed with --json.
func parseFindings(t *testing.T, stdout string) (findings []finding) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		var found finding
		if err := json.Unmarshal([]byte(line), &found); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		findings = append(findings, found)
	}
	return findings
}

// wantFinding checks the result of a check.
func wantFinding(t *testing.T, findings []finding, check, state, detail, remedy string) {
	t.Helper()
	for _, f := range findings {
		if f.Check != check {
			continue
		}
		if f.State != state || !strings.Contains(f.Detail, detail) || !strings.Contains(f.Remedy, remedy) || (f.Remedy == "") != (remedy == "") {
			t.Errorf("got %+v, want %s %q with the remedy %q", f, state, detail, remedy)
		}
		return
	}
	t.Errorf("no check %q in %+v", check, findings)
}

func unpowered(a *rfcomm.Adapter)             { a.Up, a.PageScan = false, false }
func unconnectable(a *rfcomm.Adapter)         { a.PageScan = false }
func adaptersError(errno syscall.Errno) error { return fmt.Errorf("adapters: %w", errno) }

// Each situation is a machine with one fault, the check that finds it, and the
// remedy. The checks before it succeed.
func TestDoctorNamesTheRemedy(t *testing.T) {
	noBus := fmt.Errorf("%w: %w", bluez.ErrNoBus, fs.ErrNotExist)
	for _, tt := range []struct {
		name   string
		breaks func(f *fake)

		status                       int
		check, state, detail, remedy string
	}{
		{"all well", func(*fake) {}, 0, "pairing", stateOK, "may pair", ""},

		// No Bluetooth in the kernel.
		{"other system", func(f *fake) { f.err, f.host.system = errors.ErrUnsupported, "plan9" },
			1, "kernel", stateProblem, "this system is plan9", "rfcommctl demo"},
		{"no module loaded", func(f *fake) { f.unload("bluetooth") },
			1, "kernel", stateProblem, "bluetooth is not loaded", "modprobe bluetooth"},
		{"no module loaded, as user", func(f *fake) { f.unload("bluetooth"); f.host.uid = 1000 },
			1, "kernel", stateProblem, "bluetooth is not loaded", "sudo modprobe bluetooth"},
		{"no module loaded on the host", func(f *fake) { f.unload("bluetooth"); f.add(".dockerenv", "") },
			1, "kernel", stateProblem, "bluetooth is not loaded", "on the host: sudo modprobe bluetooth"},
		{"module forbidden", func(f *fake) { f.unload("bluetooth"); f.add("etc/modprobe.d/safe.conf", "# x\nblacklist bluetooth\n") },
			1, "kernel", stateProblem, "/etc/modprobe.d/safe.conf forbids it", "remove the line"},
		{"kernel replaced", func(f *fake) { f.unload("bluetooth"); f.add("lib/modules/6.12.9/modules.dep", "") },
			1, "kernel", stateProblem, "6.12.1-amd64 are gone", "reboot"},
		{"kernel without module", func(f *fake) {
			f.unload("bluetooth")
			f.add("lib/modules/6.12.1-amd64/modules.dep", "kernel/fs/ext4.ko:")
		},
			1, "kernel", stateProblem, "built without the module bluetooth", "boot a kernel with CONFIG_BT"},
		{"kernel of a cloud", func(f *fake) {
			f.unload("bluetooth")
			f.add("proc/sys/kernel/osrelease", "6.12.1-cloud-arm64", "lib/modules/6.12.1-cloud-arm64/modules.dep", "kernel/fs/ext4.ko:")
		}, 1, "kernel", stateProblem, "built without the module bluetooth", "apt install linux-image-arm64"},
		{"kernel of Ubuntu", func(f *fake) {
			f.unload("bluetooth")
			f.add("etc/os-release", "ID=ubuntu\nID_LIKE=debian\n", "lib/modules/6.12.1-amd64/modules.dep", "kernel/fs/ext4.ko:")
		}, 1, "kernel", stateProblem, "built without the module bluetooth", "apt install linux-modules-extra-6.12.1-amd64"},
		{"kernel of WSL", func(f *fake) {
			f.unload("bluetooth")
			f.add("proc/sys/kernel/osrelease", "6.6.1-microsoft-standard-WSL2", "proc/config.gz", zipped("# CONFIG_BT is not set\n"))
		}, 1, "kernel", stateProblem, "built without the module bluetooth", "build a kernel for WSL"},

		// The process does not get sockets.
		{"container", func(f *fake) { f.inNamespace(); f.add(".dockerenv", "") },
			1, "namespace", stateProblem, "another network namespace", "docker run --network host"},
		{"container of podman", func(f *fake) { f.inNamespace(); f.add("run/.containerenv", "") },
			1, "namespace", stateProblem, "another network namespace", "podman run --network host"},
		{"pod", func(f *fake) { f.inNamespace(); f.add("run/systemd/container", "lxc\n") },
			1, "namespace", stateProblem, "another network namespace", "hostNetwork: true"},
		{"namespace", func(f *fake) { f.inNamespace(); f.host.uid = 1000 },
			1, "namespace", stateProblem, "another network namespace", "sudo nsenter --target 1 --net"},
		{"sandbox of systemd", func(f *fake) { f.err = adaptersError(syscall.EAFNOSUPPORT) },
			5, "namespace", stateProblem, "seccomp", "RestrictAddressFamilies="},
		{"seccomp", func(f *fake) { f.err = adaptersError(syscall.EPERM); f.add(".dockerenv", "") },
			5, "namespace", stateProblem, "forbids Bluetooth sockets", "seccomp=unconfined"},

		// No RFCOMM.
		{"no module rfcomm", func(f *fake) { f.host.socket = func() error { return adaptersError(syscall.EPROTONOSUPPORT) } },
			1, "rfcomm", stateProblem, "rfcomm is not loaded", "modprobe rfcomm"},
		{"rfcomm forbidden", func(f *fake) { f.host.socket = func() error { return adaptersError(syscall.EACCES) } },
			5, "rfcomm", stateProblem, "cannot open an RFCOMM socket", "RestrictAddressFamilies="},

		// No adapter.
		{"no adapter", func(f *fake) { f.adapterList = nil },
			3, "adapter", stateProblem, "there is no Bluetooth adapter", "plug one in"},
		{"no driver", func(f *fake) { f.adapterList = nil; f.addUSB(false); f.host.uid = 1000 },
			3, "adapter", stateProblem, "1-3:1.0 is a Bluetooth adapter, but has no driver", "sudo modprobe btusb"},
		{"no firmware", func(f *fake) { f.adapterList = nil; f.addUSB(true) },
			3, "adapter", stateProblem, "perhaps without its firmware", "dmesg | grep"},
		{"airplane mode", func(f *fake) { f.adapterList = nil; f.addSwitch("class/rfkill/rfkill0", "1", "0") },
			3, "adapter", stateProblem, "it is blocked (rfkill)", "rfkill unblock bluetooth"},
		{"airplane switch", func(f *fake) { f.adapterList = nil; f.addSwitch("class/rfkill/rfkill0", "0", "1") },
			3, "adapter", stateProblem, "a switch of this machine", "use the switch"},

		// The adapter does not work.
		{"rfkill", func(f *fake) { f.change0(unpowered); f.addSwitch("class/bluetooth/hci0/rfkill1", "1", "0") },
			3, "rfkill", stateProblem, "hci0 is blocked (rfkill)", "rfkill unblock bluetooth"},
		{"rfkill, as user", func(f *fake) {
			f.change0(unpowered)
			f.addSwitch("class/bluetooth/hci0/rfkill1", "1", "0")
			f.host.uid, f.host.writable = 1000, func(string) bool { return false }
		}, 3, "rfkill", stateProblem, "hci0 is blocked (rfkill)", "sudo rfkill unblock bluetooth"},
		{"adapter down", func(f *fake) { f.change0(unpowered) },
			3, "power", stateProblem, "hci0 is off", "rfcommctl adapters -i hci0 --power on"},
		{"not connectable", func(f *fake) { f.change0(unconnectable) },
			0, "page scan", stateWarning, "no device can connect to hci0", "rfcommctl adapters -i hci0 --discoverable 3m"},

		// No bluetoothd.
		{"no bus", func(f *fake) { f.daemonFails(noBus); f.add("-usr/bin/dbus-daemon") },
			1, "bus", stateProblem, "there is no system bus", "apt install dbus"},
		{"bus stopped", func(f *fake) { f.daemonFails(noBus); f.host.uid = 1000 },
			1, "bus", stateProblem, "is not running, but pair", "sudo systemctl enable --now dbus.socket"},
		{"no bus in a container", func(f *fake) { f.daemonFails(noBus); f.add(".dockerenv", "") },
			1, "bus", stateProblem, "the container does not have the system bus", "docker run --network host -v /run/dbus/system_bus_socket:"},
		{"bus forbidden", func(f *fake) { f.daemonFails(fmt.Errorf("%w: %w", bluez.ErrNoBus, syscall.EACCES)) },
			5, "bus", stateProblem, "ada must not use the system bus", "0666"},
		{"bluetoothd missing", func(f *fake) {
			f.daemonFails(bluez.ErrNoDaemon)
			f.add("-usr/libexec/bluetooth", "etc/os-release", "ID=fedora")
		},
			1, "bluetoothd", stateProblem, "bluetoothd is not installed", "dnf install bluez"},
		{"bluetoothd stopped", func(f *fake) { f.daemonFails(bluez.ErrNoDaemon) },
			1, "bluetoothd", stateProblem, "bluetoothd is not running", "systemctl enable --now bluetooth"},
		{"bluetoothd of a script", func(f *fake) {
			f.daemonFails(bluez.ErrNoDaemon)
			f.add("-run/systemd/system", "etc/init.d/bluetooth", "")
		}, 1, "bluetoothd", stateProblem, "bluetoothd is not running", "service bluetooth start"},
		{"off without bluetoothd", func(f *fake) { f.daemonFails(bluez.ErrNoDaemon); f.change0(unpowered); f.host.uid = 1000 },
			1, "power", stateProblem, "hci0 is off", "sudo btmgmt --index 0 power on"},
		{"bluetoothd without adapter", func(f *fake) { f.host.daemon = func(context.Context) ([]string, error) { return nil, nil } },
			0, "pairing", stateWarning, "does not know the adapter hci0", "systemctl restart bluetooth"},

		// No permission.
		{"policy", func(f *fake) { f.daemonFails(bluez.ErrDenied); f.host.uid = 1000 },
			5, "pairing", stateProblem, "ada must not use bluetoothd", "sudo rfcommctl pair"},
		{"not in dialout", func(f *fake) { f.host.uid = 1000 },
			0, "serial ports", stateWarning, "ada is not in the group dialout", "sudo usermod -aG dialout ada"},
		{"dialout since login", func(f *fake) { f.host.uid = 1000; f.add("etc/group", "dialout:x:20:bob,ada\n") },
			0, "serial ports", stateWarning, "log in again", "newgrp dialout"},
		{"in dialout", func(f *fake) { f.host.uid, f.host.groups = 1000, []int{20} },
			0, "serial ports", stateOK, "ada may open /dev/rfcommN", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			tt.breaks(f)
			findings := f.diagnose(t, tt.status)
			wantFinding(t, findings, tt.check, tt.state, tt.detail, tt.remedy)
			wantFirst(t, findings, tt.check, tt.name)
		})
	}
}

// wantFirst checks that no check before the given one failed, except bluetoothd
// in a situation that says so.
func wantFirst(t *testing.T, findings []finding, check, situation string) {
	t.Helper()
	for _, f := range findings {
		if f.Check == check {
			return
		}
		if f.State != stateOK && !strings.Contains(situation, "without bluetoothd") {
			t.Errorf("the first finding is %+v", f)
		}
	}
}

func zipped(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// add changes the files of the host.
func (f *fake) add(pairs ...string) { f.host.root = with(f.host.root, pairs...) }

// unload makes the kernel one without a module.
func (f *fake) unload(module string) {
	f.err = adaptersError(syscall.EAFNOSUPPORT)
	f.add("-sys/module/" + module)
}

// inNamespace moves the process to another network namespace.
func (f *fake) inNamespace() {
	f.err = adaptersError(syscall.EAFNOSUPPORT)
	f.add("-proc/sys/net/core/dev_weight")
}

// addUSB plugs in a USB adapter, and a disk.
func (f *fake) addUSB(driven bool) {
	const disk, adapter = "sys/bus/usb/devices/1-2:1.0/", "sys/bus/usb/devices/1-3:1.0/"
	f.add(disk+"bInterfaceClass", "08\n", disk+"bInterfaceSubClass", "06\n", disk+"bInterfaceProtocol", "50\n",
		adapter+"bInterfaceClass", "e0\n", adapter+"bInterfaceSubClass", "01\n", adapter+"bInterfaceProtocol", "01\n")
	if driven {
		f.add(adapter+"driver/x", "")
	}
}

// addSwitch adds a switch of rfkill.
func (f *fake) addSwitch(directory, soft, hard string) {
	directory = "sys/" + directory + "/"
	f.add(directory+"type", "bluetooth\n", directory+"soft", soft+"\n", directory+"hard", hard+"\n")
}

// change0 changes the only adapter.
func (f *fake) change0(change func(*rfcomm.Adapter)) { change(&f.adapterList[0]) }

func (f *fake) daemonFails(err error) {
	f.host.daemon = func(context.Context) ([]string, error) { return nil, err }
}

// The checks that a problem prevents name it.
func TestDoctorNamesTheCause(t *testing.T) {
	f := newFake(t)
	f.unload("bluetooth")
	findings := f.diagnose(t, 1)
	if len(findings) != 13 {
		t.Errorf("%d checks", len(findings))
	}
	for _, found := range findings[1:] {
		wantFinding(t, []finding{found}, found.Check, stateUnchecked, "first solve: kernel", "")
	}
	f = newFake(t)
	f.change0(unpowered)
	f.addSwitch("class/bluetooth/hci0/rfkill1", "1", "1")
	findings = f.diagnose(t, 3)
	wantFinding(t, findings, "power", stateUnchecked, "first solve: rfkill", "")
	wantFinding(t, findings, "page scan", stateUnchecked, "first solve: power", "")
}

// With two adapters, one that does not work is a problem if it is the chosen one.
func TestDoctorOfOneAdapter(t *testing.T) {
	f := newFake(t)
	f.host.daemon = func(context.Context) ([]string, error) { return []string{"hci0", "hci1"}, nil }
	f.adapterList = append(f.adapterList, rfcomm.Adapter{Index: 1, Name: "hci1", Addr: printerAddr})
	findings := f.diagnose(t, 0)
	if len(findings) != 17 {
		t.Errorf("%d checks", len(findings))
	}
	wantFinding(t, findings[11:], "power", stateWarning, "hci1 is off", "-i hci1 --power on")
	for _, name := range []string{"hci1", printerText} {
		findings = f.diagnose(t, 3, "-i", name)
		wantFinding(t, findings, "power", stateProblem, "hci1 is off", "-i hci1 --power on")
	}
	if len(f.diagnose(t, 0, "-i", "hci0")) != 13 {
		t.Error("the other adapter is checked")
	}
	wantFinding(t, f.diagnose(t, 3, "-i", "hci7"), "adapter", stateProblem, `no adapter "hci7": this machine has hci0`, "rfcommctl adapters")
}

// A kernel or a bus that does not answer is left alone.
func TestDoctorGivesUp(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	f := newFake(t)
	f.tool.adapters = func() ([]rfcomm.Adapter, error) { <-stuck; return nil, nil }
	wantFinding(t, f.diagnose(t, statusBusy, "-t", "10ms"), "kernel", stateProblem, "in time", "dmesg")
	f = newFake(t)
	f.host.socket = func() error { <-stuck; return nil }
	findings := f.diagnose(t, statusBusy, "-t", "10ms")
	wantFinding(t, findings, "rfcomm", stateProblem, "in time", "dmesg")
	wantFinding(t, findings, "bus", stateUnchecked, "--timeout", "")
	wantFinding(t, findings, "power", stateUnchecked, "first solve: adapter", "")
	f = newFake(t)
	f.host.daemon = func(ctx context.Context) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
	wantFinding(t, f.diagnose(t, statusBusy, "-t", "10ms"), "bus", stateProblem, "in time", "systemctl restart bluetooth")

	f = newFake(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	f.host.socket = func() error { cancel(signalError{syscall.SIGINT}); <-stuck; return nil }
	if status := f.run(ctx, []string{"doctor"}); status != 130 {
		t.Errorf("status %d of an interrupted doctor", status)
	}
}

func TestDoctorPrintsTexts(t *testing.T) {
	f := newFake(t)
	f.change0(unpowered)
	f.host.output = func(context.Context, string, ...string) string { return "bluetoothctl: 5.99" }
	stdout, stderr := f.runs(t, 3, "doctor", "-q")
	const want = "problem    power         hci0 is off\n           rfcommctl adapters -i hci0 --power on\n"
	if stdout != want || stderr != "" {
		t.Errorf("got\n%s%s\nwant\n%s", stdout, stderr, want)
	}
	_, stderr = f.runs(t, 3, "doctor", "-v")
	wantParts(t, stderr, "Linux version 6.12.1", "5.99", "rfcommctl ", "CAP_NET_ADMIN", "There is a problem. Solve it")
	f.chatty = true
	f.adapterList[0] = rfcomm.Adapter{Name: "hci0", Addr: adapterAddr, Up: true, PageScan: true}
	if _, stderr = f.runs(t, 0, "doctor"); stderr != "Bluetooth works here.\n" {
		t.Errorf("the conclusion is %q", stderr)
	}
}

// The lines fit the terminal, except for commands.
func TestDoctorFitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 60, 40} {
		f := newFake(t)
		f.tool.columns = width
		f.inNamespace()
		f.add(".dockerenv", "")
		stdout, _ := f.runs(t, 1, "doctor")
		for line := range strings.Lines(stdout) {
			if line = strings.TrimRight(line, "\n"); len(line) > width {
				t.Errorf("%d columns at a width of %d: %q", len(line), width, line)
			}
		}
		wantParts(t, stdout, "docker run --network host …\n", "first solve: namespace\n")
	}
}

// Errors about this machine refer to doctor, others do not.
func TestErrorsReferToDoctor(t *testing.T) {
	overTCP := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
	for _, tt := range []struct {
		err    error
		refers bool
	}{
		{opError(syscall.EAFNOSUPPORT), true},
		{opError(syscall.EPROTONOSUPPORT), true},
		{opError(syscall.EHOSTUNREACH), true},
		{errNoAdapter, true},
		{fmt.Errorf("bluez: %w", bluez.ErrNoBus), true},
		{bluez.ErrNoDaemon, true},
		{bluez.ErrDenied, true},
		{bluez.ErrBlocked, true},
		{opError(syscall.EHOSTDOWN), false},
		{opError(syscall.ECONNREFUSED), false},
		{overTCP, false},
		{bluez.ErrAuthFailed, false},
	} {
		f := newFake(t)
		f.err = tt.err
		f.stdin = strings.NewReader("")
		f.run(t.Context(), []string{"connect", printerText + "/3"})
		if text := f.stderr.String(); strings.HasSuffix(text, " (see rfcommctl doctor)\n") != tt.refers || !strings.Contains(text, tt.err.Error()) {
			t.Errorf("%v is printed as %q", tt.err, text)
		}
	}
}

// The checks of a device name the remedy, too.
func TestDoctorOfDevice(t *testing.T) {
	for _, tt := range []struct {
		name   string
		breaks func(f *fake)

		status                       int
		check, state, detail, remedy string
	}{
		{"all well", func(*fake) {}, 0, "serial service", stateOK, printerText + "/7", ""},
		{"paired", func(*fake) {}, 0, "bond", stateOK, "is paired", ""},
		{"not paired", func(f *fake) { f.knownList[0].paired = false }, 0, "bond", stateWarning, "is not paired", "rfcommctl pair " + printerText},
		{"out of range", func(f *fake) { f.searchErr(opError(syscall.EHOSTDOWN)) }, 3, "range", stateProblem, "does not answer", "rfcommctl scan"},
		{"refused", func(f *fake) { f.searchErr(opError(syscall.ECONNREFUSED)) }, 3, "range", stateProblem, "connection refused", "rfcommctl scan"},
		{"no services after no answer", func(f *fake) { f.searchErr(opError(syscall.EHOSTDOWN)) }, 3, "serial service", stateUnchecked, "first solve: range", ""},
		{"no serial port", func(f *fake) { f.records = nil }, 0, "serial service", stateWarning, "lists no serial port", "rfcommctl services " + printerText},
		{"adapter off", func(f *fake) { f.change0(unpowered) }, 3, "range", stateUnchecked, "first solve: power", ""},
		{"no adapter", func(f *fake) { f.adapterList = nil }, 3, "range", stateUnchecked, "first solve: adapter", ""},
		{"no bluetoothd", func(f *fake) { f.daemonFails(bluez.ErrNoDaemon) }, 1, "bond", stateUnchecked, "first solve: bluetoothd", ""},
		{"not needed for the range", func(f *fake) { f.daemonFails(bluez.ErrNoDaemon) }, 1, "range", stateOK, "is in range", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.records = []*sdp.Record{sdp.NewSerialPort("GPS", 7)}
			f.knownList = []knownDevice{{address: printerAddr, name: "GPS", paired: true}}
			tt.breaks(f)
			wantFinding(t, f.diagnose(t, tt.status, "GPS"), tt.check, tt.state, tt.detail, tt.remedy)
		})
	}
	f := newFake(t)
	wantFinding(t, f.diagnose(t, 3, "nobody"), "bond", stateProblem, `has the name "nobody"`, "rfcommctl scan")
	for word, part := range map[string]string{printerText + "/3": "has a service: doctor takes a device", "00:11:22": "00:11:22", "": "empty"} {
		_, stderr := f.runs(t, statusUsage, "doctor", word)
		wantError(t, stderr, part)
	}
}

// searchErr makes searches for services fail.
func (f *fake) searchErr(err error) {
	f.search = func(context.Context, *rfcomm.Dialer, rfcomm.BDAddr, ...sdp.UUID) ([]*sdp.Record, error) {
		return nil, err
	}
}
