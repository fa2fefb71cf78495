package sdp_test

import (
	"bytes"
	"os/exec"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// An air is a radio and the log of its packets.
type air struct {
	*rfcommtest.Radio

	// near and far are the first two controllers. Tests search from near. If
	// there is one controller, far is nil.
	near, far *rfcommtest.Controller

	log *capture
}

// inLab returns an air with two controllers. It skips the test outside of the
// lab and without root.
func inLab(t *testing.T) *air {
	t.Helper()
	return newAir(t, rfcommtest.Config{})
}

// newAir returns an air whose packets tshark checks when all tests have ended.
// The radio is closed at the end of the test.
func newAir(t *testing.T, config rfcommtest.Config) *air {
	t.Helper()
	labtest.RequireRoot(t)
	labtest.Require(t)
	a := &air{log: captures.add(t)}
	config.Log = a.log
	a.Radio = rfcommtest.Require(t, config)
	for i, c := range a.Controllers() {
		c.SetPageTimeout(100 * time.Millisecond)
		switch i {
		case 0:
			a.near = c
		case 1:
			a.far = c
		}
	}
	return a
}

// sdptool runs BlueZ's sdptool at an adapter, and returns its output.
func sdptool(t *testing.T, at *rfcommtest.Controller, arguments ...string) string {
	t.Helper()
	program := labtest.Program(t, "sdptool", "bluez")
	var stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program, append([]string{"-i", at.Name()}, arguments...)...)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("sdptool %q: %v\n%s%s", arguments, err, output, &stderr)
	}
	return string(output)
}

// findService calls find_service of PyBluez with the address of a device and,
// unless it is empty, a UUID. It returns the printed list of services.
func findService(t *testing.T, device rfcomm.BDAddr, uuid string) string {
	t.Helper()
	var stderr bytes.Buffer
	command := labtest.PyBluez(t, `
import sys, bluetooth
for service in bluetooth.find_service(address=sys.argv[1], uuid=sys.argv[2] or None):
    print(sorted(service.items()))
`, device.String(), uuid)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("find_service of PyBluez: %v\n%s", err, &stderr)
	}
	return string(output)
}
