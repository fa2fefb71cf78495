//go:build killed

// The tests in this file can stop RFCOMM on the whole machine until a reboot,
// so they are built only with the tag killed. Run each in a machine of its own:
//
//	go test -tags killed -c -o killed.test ./integration &&
//	lab/run -t 2m -k 6.1 ./killed.test -test.v -test.run \
//		'^TestListenerOfAKilledProcess$/^plain$'

package integration

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/conntest"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
)

const killedChildEnv = "RFCOMM_TEST_KILLED_CHILD"

// TestListenerOfAKilledProcess kills a process whose listener has a half-open
// connection. On Linux 6.1 it passes only if another process holds the
// listener: otherwise the kernel closes the connection in the way that
// Listener.Close avoids, with or without BT_DEFER_SETUP. On 6.12 it passes.
func TestListenerOfAKilledProcess(t *testing.T) {
	for name, hold := range map[string]bool{
		"plain": false,
		"defer": false, // BT_DEFER_SETUP from the start
		"held":  true,  // this process has the listener open too
	} {
		t.Run(name, func(t *testing.T) {
			l := inLab(t)
			listener := l.listenWith(t, rfcomm.ListenConfig{Security: rfcomm.SecurityMedium})
			kill := startKilledChild(t, name, listener)
			if !hold {
				listener.Close() // the child has a duplicate
			}
			end := l.dialHalfOpen(t, conntest.AddrOf(listener), func() bool { return len(labtest.Queued(t)) == 1 })
			kill()
			if hold {
				emptyShared(t, listener)
			}
			end()
			l.checkAlive(t)
		})
	}
}

// startKilledChild starts a process that takes over the listener. The returned
// function kills it.
func startKilledChild(t *testing.T, name string, listener *rfcomm.Listener) (kill func()) {
	t.Helper()
	f, err := listener.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestListenerKilledChild$")
	cmd.Env = append(os.Environ(), killedChildEnv+"="+name)
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the child printed %q", line)
	}
	return func() {
		cmd.Process.Kill()
		gone := hosttest.InBackground(func() error {
			_, err := io.Copy(io.Discard, stdout)
			return err
		})
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			t.Log("the killed process does not end: close(2) blocks")
		}
	}
}

// TestListenerKilledChild is not a test but the child process that
// TestListenerOfAKilledProcess kills.
func TestListenerKilledChild(t *testing.T) {
	name := os.Getenv(killedChildEnv)
	if name == "" {
		return
	}
	if name == "defer" {
		if err := unix.SetsockoptInt(3, unix.SOL_BLUETOOTH, btDeferSetup, 1); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("ready")
	select {}
}

// emptyShared empties a shared queue before its last user closes it, as the
// documentation of Listener.Close requires.
func emptyShared(t *testing.T, listener *rfcomm.Listener) {
	t.Helper()
	deferSetup(t, listener)
	listener.SetDeadline(time.Now().Add(time.Second))
	for {
		c, err := listener.Accept()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	listener.Close()
}
