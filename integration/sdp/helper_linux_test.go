package sdp_test

import (
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/capture"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// captures has the logs of all tests. The tests do not run in parallel.
var captures capture.Logs

// An air is a radio and the log of its packets.
type air struct {
	*rfcommtest.Radio

	// near and far are the first two controllers. Tests search from near. If
	// there is one controller, far is nil.
	near, far *rfcommtest.Controller

	log *capture.Log
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
	a := &air{log: captures.New(t.Name())}
	config.Log = a.log
	a.Radio = rfcommtest.Require(t, config)
	for i, c := range a.Controllers() {
		c.SetPageTimeout(time.Second) // shorter than that of the kernel
		switch i {
		case 0:
			a.near = c
		case 1:
			a.far = c
		}
	}
	return a
}
