package daemons

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// udevState is the directory of udevd's database and control socket.
const udevState = "/run/udev"

// Udevd starts udevd with the rules of the machine. It is ready when it has
// applied them to the ttys and Bluetooth adapters that exist.
func Udevd(t testing.TB, o Options) *Daemon {
	t.Helper()
	var notices *net.UnixConn
	path := filepath.Join(t.TempDir(), "notify")
	t.Cleanup(func() { os.RemoveAll(udevState) })
	return run(t, program{
		name:        "systemd-udevd",
		pkg:         "udev",
		command:     append([]string{"/lib/systemd/systemd-udevd"}, o.Args...),
		environment: append(udevEnvironment, "NOTIFY_SOCKET="+path),
		before:      func() { notices = listenNotices(t, path) },
		ready: func(d *Daemon) {
			defer notices.Close()
			awaitReady(d, notices)
			udevadm(t, "trigger", "--action=add", "--subsystem-match=tty", "--subsystem-match=bluetooth")
			Settle(t)
		},
	})
}

// udevEnvironment makes udevadm work although the root of the lab's processes
// is not that of PID 1.
var udevEnvironment = []string{"SYSTEMD_IGNORE_CHROOT=1"}

// Settle waits until udevd has applied its rules to all changes so far.
func Settle(t testing.TB) {
	t.Helper()
	udevadm(t, "settle", "--timeout=60")
}

func udevadm(t testing.TB, arguments ...string) {
	t.Helper()
	command := exec.Command("udevadm", arguments...)
	command.Env = append(os.Environ(), udevEnvironment...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("udevadm %s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
}

// listenNotices opens a socket for the notices of sd_notify(3).
func listenNotices(t testing.TB, path string) *net.UnixConn {
	t.Helper()
	os.Remove(path) // of an earlier start
	notices, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	return notices
}

// awaitReady waits for the notice that the daemon is ready.
func awaitReady(d *Daemon, notices *net.UnixConn) {
	d.t.Helper()
	if err := notices.SetReadDeadline(time.Now().Add(patience)); err != nil {
		d.t.Fatal(err)
	}
	for notice := make([]byte, 4096); ; {
		n, err := notices.Read(notice)
		if err != nil {
			d.t.Fatalf("waiting until %s is ready: %v", d.program.name, err)
		}
		if strings.Contains("\n"+string(notice[:n])+"\n", "\nREADY=1\n") {
			return
		}
	}
}
