package rfcommtest_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// unsupported checks that NewRadio fails because of an errno, and names a
// remedy.
func unsupported(t *testing.T, errno syscall.Errno, remedy string) {
	t.Helper()
	r, err := rfcommtest.NewRadio(rfcommtest.Config{})
	if err == nil {
		r.Close()
	}
	if !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, errno) || !strings.Contains(err.Error(), remedy) {
		t.Errorf("NewRadio returned %v, want %v and the remedy %q", err, errno, remedy)
	}
	t.Log(err)
}

func TestNewRadioNamesRfkill(t *testing.T) {
	lab := labtest.Require(t)
	labtest.RequireRoot(t)
	for _, adapter := range []int{labtest.DialerAdapter, labtest.DeviceAdapter} {
		lab.Down(adapter) // so that the block does not change their state
	}
	labtest.BlockRadio(t)
	unsupported(t, unix.ERFKILL, "rfkill unblock bluetooth")
	labtest.UnblockRadio(t)
	two(t, rfcommtest.Config{})
}

func TestNewRadioNamesMissingModule(t *testing.T) {
	lab := labtest.Require(t)
	labtest.RequireRoot(t)
	lab.UnloadRFCOMM()
	unsupported(t, unix.EPROTONOSUPPORT, "modprobe rfcomm")
}

// asNobody runs a test of this binary as nobody, with a set of capabilities.
func asNobody(t *testing.T, test string, capabilities ...uintptr) {
	t.Helper()
	c := labtest.AsNobody(t, "-test.v", "-test.run", "^"+test+"$")
	c.Env = append(os.Environ(), nobodyVariable+"=1", "RFCOMMTEST_REQUIRE=0")
	c.SysProcAttr.AmbientCaps = capabilities
	output, err := c.CombinedOutput()
	t.Logf("%s", output)
	if err != nil || !strings.Contains(string(output), "--- PASS: "+test) {
		t.Errorf("as nobody: %v", err)
	}
}

// nobodyVariable is set for tests that asNobody runs.
const nobodyVariable = "RFCOMMTEST_NOBODY"

// openDevice gives every user access to /dev/vhci until the end of the test.
func openDevice(t *testing.T) {
	t.Helper()
	const path = "/dev/vhci"
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(path, info.Mode().Perm()) })
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestNewRadioWithoutRoot(t *testing.T) {
	labtest.Require(t)
	if os.Getenv(nobodyVariable) == "" {
		labtest.RequireRoot(t)
		openDevice(t)
		asNobody(t, "TestNewRadioWithoutRoot", unix.CAP_NET_ADMIN)
		return
	}
	r, a, b := two(t, rfcommtest.Config{})
	dialed, accepted := connect(t, a, b)
	pass(t, dialed, accepted)
	if err := r.Link(a, b).Pair(); err != nil {
		t.Error(err)
	}
	encrypted(t, a, b)
	for _, do := range []func() error{a.Down, a.Up, a.Unplug, a.Plug} {
		if err := do(); err != nil {
			t.Error(err)
		}
	}
}

func TestNewRadioNamesMissingCapability(t *testing.T) {
	labtest.Require(t)
	if os.Getenv(nobodyVariable) == "" {
		labtest.RequireRoot(t)
		openDevice(t)
		asNobody(t, "TestNewRadioNamesMissingCapability")
		return
	}
	unsupported(t, unix.EPERM, "CAP_NET_ADMIN")
}

func TestNewRadioNamesDevicePermission(t *testing.T) {
	labtest.Require(t)
	if os.Getenv(nobodyVariable) == "" {
		labtest.RequireRoot(t)
		asNobody(t, "TestNewRadioNamesDevicePermission", unix.CAP_NET_ADMIN)
		return
	}
	unsupported(t, unix.EACCES, "/dev/vhci")
}
