package integration

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm"
)

// channelOf returns the channel of a connection.
func channelOf(c *rfcomm.Conn) int { return c.LocalAddr().(rfcomm.Addr).Channel }

// countAttempts makes a Dialer count its attempts, and returns the counter.
func countAttempts(d *rfcomm.Dialer) *int {
	n := new(int)
	d.ControlContext = func(context.Context, string, string, syscall.RawConn) error {
		*n++
		return nil
	}
	return n
}

// runAlone runs the calling test in a process of its own. It returns true in
// the calling process and false in the new one.
func runAlone(t *testing.T, attributes *syscall.SysProcAttr) bool {
	t.Helper()
	const marker = "RFCOMM_TEST_ALONE"
	if os.Getenv(marker) != "" {
		return false
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), marker+"=1")
	cmd.SysProcAttr = attributes
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	return true
}

// checkOpError checks that err is a *net.OpError with the given operation and
// addresses, that it matches the errno, and that its text contains the hint.
func checkOpError(t *testing.T, err error, op string, source, addr net.Addr, errno syscall.Errno, hint string) {
	t.Helper()
	opErr, ok := err.(*net.OpError)
	if !ok {
		t.Fatalf("%T: %v; want a *net.OpError", err, err)
	}
	if opErr.Op != op || opErr.Net != "rfcomm" || opErr.Source != sourceOf(source) || opErr.Addr != addr {
		t.Errorf("%s %s %v->%v, want %s rfcomm %v->%v", opErr.Op, opErr.Net, opErr.Source, opErr.Addr, op, source, addr)
	}
	if _, ok := opErr.Err.(*os.SyscallError); !ok {
		t.Errorf("%T in the *net.OpError, want an *os.SyscallError", opErr.Err)
	}
	if !errors.Is(err, errno) {
		t.Errorf("%v: does not match %v", err, errno)
	}
	if !strings.Contains(err.Error(), hint) {
		t.Errorf("%v: does not say %q", err, hint)
	}
}

// sourceOf returns the Source field of the error of a dial from addr.
func sourceOf(addr net.Addr) net.Addr {
	if addr == (rfcomm.Addr{}) {
		return nil
	}
	return addr
}
