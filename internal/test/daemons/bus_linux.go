package daemons

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// systemDirectory is the directory of the system bus's socket, as in
// dbus-daemon's system.conf.
const systemDirectory = "/run/dbus"

// A Bus is a D-Bus message bus. Programs call dbus-send instead of a library,
// since only package bluez may import one.
type Bus struct {
	// Address is the address of the bus in D-Bus syntax.
	Address string

	daemon  *Daemon
	monitor *Daemon // dbus-monitor, which prints the signals
}

// systemBus is the system bus of the running test, or nil.
var systemBus *Bus

// printedAddress matches the line with which dbus-daemon prints its address.
var printedAddress = regexp.MustCompile(`(?m)^unix:.*$`)

// SystemBus returns the system bus, on its usual address and with the policy of
// the machine. It starts the bus unless the test has done so.
func SystemBus(t testing.TB) *Bus {
	t.Helper()
	if systemBus != nil {
		return systemBus
	}
	t.Cleanup(func() { systemBus = nil })
	systemBus = startBus(t, "--system", "--nopidfile")
	return systemBus
}

// SessionBus starts a session bus, as a desktop does for each user.
func SessionBus(t testing.TB) *Bus {
	t.Helper()
	return startBus(t, "--session")
}

// DenyNobody makes the policy of the bus deny calls of bluetoothd to user nobody,
// until the end of the test.
func DenyNobody(t testing.TB) {
	t.Helper()
	const path = "/etc/dbus-1/system-local.conf"
	const policy = `<busconfig><policy user="nobody"><deny send_destination="org.bluez"/></policy></busconfig>`
	bus := SystemBus(t)
	reload := func() {
		if _, err := bus.Call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.ReloadConfig"); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(path, []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.Remove(path)
		reload()
	})
	reload()
}

// startBus starts a bus and a monitor of its signals.
func startBus(t testing.TB, arguments ...string) *Bus {
	t.Helper()
	b := new(Bus)
	b.daemon = run(t, program{
		name:    "dbus-daemon",
		pkg:     "dbus-daemon",
		command: append([]string{"dbus-daemon", "--nofork", "--print-address"}, arguments...),
		before: func() {
			if err := os.MkdirAll(systemDirectory, 0o755); err != nil {
				t.Fatal(err)
			}
		},
		ready: func(d *Daemon) {
			d.await("its address", &d.output, func() bool {
				b.Address = printedAddress.FindString(d.Output())
				return b.Address != ""
			})
		},
	})
	b.monitor = run(t, program{
		name:    "dbus-monitor",
		pkg:     "dbus-bin",
		command: []string{"dbus-monitor", "--address", b.Address, "type='signal'"},
		ready: func(d *Daemon) {
			// The bus takes the monitor's name away when it monitors.
			d.await("monitoring", &d.output, func() bool { return strings.Contains(d.Output(), "member=NameLost") })
		},
	})
	return b
}

// Call calls a method, named with its interface, of an object, and returns
// the reply as dbus-send prints it. The arguments are in the syntax of
// dbus-send, such as "string:text" or "objpath:/org/bluez/hci0".
func (b *Bus) Call(destination, object, method string, arguments ...string) (string, error) {
	command := exec.Command("dbus-send", append([]string{
		"--bus=" + b.Address, "--print-reply", "--dest=" + destination, object, method}, arguments...)...)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	reply, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("calling %s of %s: %w: %s", method, object, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(reply), nil
}

// Signals returns the signals since the bus was started, as dbus-monitor prints
// them.
func (b *Bus) Signals() string { return b.monitor.Output() }

// signalled reports whether the bus has carried a signal since an offset whose
// text, as printed by dbus-monitor, contains all parts.
func (b *Bus) signalled(offset int, parts ...string) bool {
	for signal := range strings.SplitSeq(b.monitor.output.since(offset), "\nsignal ") {
		if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(signal, part) }) {
			return true
		}
	}
	return false
}

// named reports whether a name has got an owner since an offset of the signals.
func (b *Bus) named(offset int, name string) bool {
	return b.signalled(offset, fmt.Sprintf("member=NameOwnerChanged\n   string %q\n   string \"\"\n", name))
}

// added reports whether an object has appeared since an offset of the signals.
func (b *Bus) added(offset int, object string) bool {
	return b.signalled(offset, fmt.Sprintf("member=InterfacesAdded\n   object path %q\n", object))
}
