package daemons

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

// inLab returns the lab, and skips the test outside of it and without root.
func inLab(t *testing.T) *labtest.Lab {
	t.Helper()
	labtest.RequireRoot(t)
	return labtest.Require(t)
}

// running reports whether a process exists.
func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

// wantEndsWithTest runs a subtest, and checks that the daemon that it returns
// runs until its end and no longer.
func wantEndsWithTest(t *testing.T, start func(*testing.T) *Daemon) {
	t.Helper()
	var d *Daemon
	t.Run("running", func(t *testing.T) {
		d = start(t)
		if !running(d.PID()) {
			t.Errorf("%s does not run", d.program.name)
		}
	})
	if d != nil && running(d.PID()) {
		t.Errorf("%s still runs after the test", d.program.name)
	}
}

func TestSystemBusEndsWithTest(t *testing.T) {
	inLab(t)
	wantEndsWithTest(t, func(t *testing.T) *Daemon { return SystemBus(t).daemon })
	wantEndsWithTest(t, func(t *testing.T) *Daemon { return SystemBus(t).monitor })
}

func TestDaemonRestarts(t *testing.T) {
	inLab(t)
	d := Bluetoothd(t, Options{})
	first := d.PID()
	d.Restart()
	if running(first) || !running(d.PID()) {
		t.Errorf("the first process runs: %v; the second runs: %v", running(first), running(d.PID()))
	}
	if !strings.Contains(d.Output(), "Terminating") {
		t.Errorf("bluetoothd has not printed that it terminates:\n%s", d.Output())
	}
	wantObjects(t)
	wantAnswers(t, true, false)

	d.Kill()
	if running(d.PID()) || strings.Count(d.Output(), "Terminating") != 1 {
		t.Errorf("bluetoothd was not killed:\n%s", d.Output())
	}
	if reply, err := SystemBus(t).Call("org.bluez", "/", "org.freedesktop.DBus.Peer.Ping"); err == nil {
		t.Errorf("bluetoothd still answers: %s", reply)
	}
	wantAnswers(t, true, true)
	d.Restart()
	wantObjects(t)
	wantAnswers(t, true, false)
}

// failing runs the calling test in a process of its own, in which it calls f,
// and returns the output. The process must fail.
func failing(t *testing.T, f func()) (output string, parent bool) {
	t.Helper()
	const marker = "RFCOMM_TEST_FAILS"
	if os.Getenv(marker) != "" {
		f()
		return "", false
	}
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), marker+"=1")
	text, err := command.CombinedOutput()
	if err == nil {
		t.Errorf("the test passed:\n%s", text)
	}
	return string(text), true
}

func TestDaemonOutputIsLogged(t *testing.T) {
	inLab(t)
	output, parent := failing(t, func() {
		Bluetoothd(t, Options{})
		t.Error("this test fails")
	})
	if !parent {
		return
	}
	for _, want := range []string{
		`the output of .*bluetoothd --nodetach`, `Bluetooth daemon 5\.`, `Terminating`,
		`the output of dbus-daemon`, `\n\s*unix:path=/run/dbus/system_bus_socket`,
		`the output of dbus-monitor`, `member=InterfacesAdded`,
	} {
		if !regexp.MustCompile(want).MatchString(output) {
			t.Errorf("the output of a failed test does not match %q:\n%s", want, output)
		}
	}
}

func TestDaemonMustNotEndByItself(t *testing.T) {
	inLab(t)
	output, parent := failing(t, func() {
		d := SystemBus(t).monitor
		syscall.Kill(d.PID(), syscall.SIGKILL)
		<-d.ended
	})
	if want := "dbus-monitor ended during the test: signal: killed"; parent && !strings.Contains(output, want) {
		t.Errorf("the output does not contain %q:\n%s", want, output)
	}
}

// A skipper records a skip instead of skipping the test.
type skipper struct {
	testing.TB
	reason string
}

func (s *skipper) Skipf(format string, arguments ...any) {
	s.reason = fmt.Sprintf(format, arguments...)
	runtime.Goexit()
}

func TestDaemonSkipsWithoutProgram(t *testing.T) {
	inLab(t)
	s := &skipper{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(s, program{name: "nosuchd", pkg: "nosuch", command: []string{"/usr/sbin/nosuchd"}})
	}()
	<-done
	if want := "needs /usr/sbin/nosuchd (package nosuch): "; !strings.HasPrefix(s.reason, want) {
		t.Errorf("skipped with the reason %q, want %q", s.reason, want)
	}
}

func TestOutputWakesWaiters(t *testing.T) {
	var o output
	for i := range 3 {
		more := o.more()
		fmt.Fprintln(&o, "line", i)
		hosttest.Receive(t, more)
	}
	if got, want := o.since(len("line 0\n")), "line 1\nline 2\n"; got != want || o.size() != 21 {
		t.Errorf("got %q of %d bytes, want %q of 21", got, o.size(), want)
	}
}
