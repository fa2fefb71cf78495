package serial_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/internal/test/programs"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// The timeouts of a device out of range, shortened for tests.
const (
	pageTimeout        = 300 * time.Millisecond
	supervisionTimeout = 200 * time.Millisecond
)

// An air is a radio with two adapters. Tests dial from near to far.
type air struct {
	*rfcommtest.Radio
	near, far *rfcommtest.Controller
}

// newAir makes the adapters. It skips the test outside of the lab and without
// root. At the end of the test, no RFCOMM device may be left.
func newAir(t testing.TB) *air {
	t.Helper()
	requireLab(t)
	leavesNoDevice(t)
	radio := rfcommtest.Require(t, rfcommtest.Config{})
	both := radio.Controllers()
	a := &air{Radio: radio, near: both[0], far: both[1]}
	for _, c := range both {
		c.SetPageTimeout(pageTimeout)
	}
	a.link().SetSupervisionTimeout(supervisionTimeout)
	return a
}

// requireLab skips a test outside of the lab and without root.
func requireLab(t testing.TB) {
	t.Helper()
	labtest.RequireRoot(t)
	labtest.Require(t)
}

// link returns the link between the adapters.
func (a *air) link() *rfcommtest.Link { return a.Link(a.near, a.far) }

// connect returns the two ends of a new connection, from near to far. They are
// closed at the end of the test.
func (a *air) connect(t testing.TB) (dialed, accepted *rfcomm.Conn) {
	t.Helper()
	return conntest.Pair(t, a.near.Addr(), a.far.Addr())
}

// listen listens at far until the end of the test.
func (a *air) listen(t testing.TB) *rfcomm.Listener {
	t.Helper()
	return conntest.Listen(t, a.far.Addr())
}

// dial connects near to a listener at far until the end of the test.
func (a *air) dial(t testing.TB, l *rfcomm.Listener) *rfcomm.Conn {
	t.Helper()
	return conntest.Dial(t, a.near.Addr(), l.Addr())
}

// leavesNoDevice checks at the end of the test, after the cleanups that are
// registered later, that the kernel has no RFCOMM device and no tty of one.
func leavesNoDevice(t testing.TB) {
	t.Helper()
	if left := devices(t); left != "" {
		t.Fatalf("before the test, there are RFCOMM devices: %s", left)
	}
	t.Cleanup(func() { wantNoDevice(t) })
}

// wantNoDevice waits until the kernel has no RFCOMM device and no tty of one.
func wantNoDevice(t testing.TB) {
	t.Helper()
	hosttest.Eventually(t, "no RFCOMM device is left", func() bool { return devices(t) == "" })
}

// devices returns the nodes, the ttys and the output of rfcomm(1), or "" if there
// are none.
func devices(t testing.TB) string {
	t.Helper()
	all := ttys(t)
	if shown := show(t); shown != "" {
		all = append(all, shown)
	}
	return strings.Join(all, "\n")
}

// ttys returns the paths of RFCOMM ttys in /dev and sysfs.
func ttys(t testing.TB) (paths []string) {
	t.Helper()
	for _, pattern := range []string{"/dev/rfcomm*", "/sys/class/tty/rfcomm*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	return paths
}

// show returns the devices as rfcomm(1) lists them, one a line.
func show(t testing.TB) string {
	t.Helper()
	output, err := exec.Command(labtest.Program(t, "rfcomm", "bluez"), "-a").CombinedOutput()
	if err != nil {
		t.Fatalf("rfcomm -a: %v\n%s", err, output)
	}
	return strings.TrimSpace(string(output))
}

// start starts one of subprograms as root.
func start(t testing.TB, words ...string) *programs.Process {
	t.Helper()
	return programs.Start(t, programs.Self(t), words...)
}

// startAsNobody starts one of subprograms as user nobody, who is also a member of
// groups such as dialout.
func startAsNobody(t testing.TB, groups []string, words ...string) *programs.Process {
	t.Helper()
	command := labtest.AsNobody(t)
	for _, name := range groups {
		command.SysProcAttr.Credential.Groups = append(command.SysProcAttr.Credential.Groups, groupID(t, name))
	}
	return programs.Start(t, command, words...)
}

func groupID(t testing.TB, name string) uint32 {
	t.Helper()
	group, err := user.LookupGroup(name)
	if err != nil {
		t.Fatal(err)
	}
	id, err := strconv.ParseUint(group.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(id)
}

// openNode opens a tty until the end of the test. See openTTY.
func openNode(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := openTTY(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// openTTY opens a tty as a program does that only knows serial ports: it does not
// wait for a carrier, and changes no settings.
func openTTY(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}
