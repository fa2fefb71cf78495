package soak

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// The timeouts of a device out of range, shortened for this test. With real
// devices they are 5 s and 20 s.
const (
	pageTimeout        = 200 * time.Millisecond
	supervisionTimeout = 300 * time.Millisecond
)

// faults applies one fault after the other.
type faults struct {
	t      *testing.T
	radio  *rfcommtest.Radio
	random *rand.Rand
	count  map[string]int
}

func newFaults(t *testing.T, radio *rfcommtest.Radio, seed uint64) *faults {
	f := &faults{t, radio, rand.New(rand.NewPCG(seed, seed)), make(map[string]int)}
	f.mend()
	return f
}

// happen applies faults until the context ends, with random durations of the
// faults and of the pauses between them.
func (f *faults) happen(ctx context.Context) {
	for ctx.Err() == nil {
		f.pause(ctx, 400*time.Millisecond)
		name, undo := f.one()
		f.count[name]++
		f.pause(ctx, 800*time.Millisecond)
		undo()
	}
}

func (f *faults) pause(ctx context.Context, most time.Duration) {
	select {
	case <-time.After(time.Duration(f.random.Int64N(int64(most)))):
	case <-ctx.Done():
	}
}

// one applies a random fault, mostly to a client or to its link.
func (f *faults) one() (name string, undo func()) {
	all := f.radio.Controllers()
	server, c := all[0], all[1+f.random.IntN(len(all)-1)]
	link := f.radio.Link(server, c)
	nothing := func() {}
	switch n := f.random.IntN(20); {
	case n < 8:
		reasons := []rfcommtest.Reason{
			rfcommtest.ConnectionTimeout, rfcommtest.RemoteUserTerminated,
			rfcommtest.RemoteLowResources, rfcommtest.RemotePowerOff,
		}
		reason := reasons[f.random.IntN(len(reasons))]
		lose := func(where string, at ...*rfcommtest.Controller) string {
			if !link.Disconnect(reason, at...) {
				return "no link to disconnect"
			}
			return fmt.Sprintf("lost%s: %v", where, reason)
		}
		switch f.random.IntN(3) {
		case 0:
			return lose(" at the client", c), nothing
		case 1:
			return lose(" at the server", server), nothing
		}
		return lose(""), nothing
	case n < 12:
		link.Stall()
		return "stall", link.Resume
	case n < 13:
		link.SetDelay(20 * time.Millisecond)
		return "delay", func() { link.SetDelay(0) }
	case n < 14:
		c.Refuse(rfcommtest.LimitedResources)
		server.Refuse(rfcommtest.LimitedResources)
		return "refused", func() { c.Refuse(0); server.Refuse(0) }
	case n < 15:
		c.SetReachable(false)
		return "out of range", func() { c.SetReachable(true) }
	case n < 17:
		f.check(c.Down())
		return "client down", func() { f.check(c.Up()) }
	case n < 19:
		f.check(c.Unplug())
		return "client unplugged", func() { f.check(c.Plug()) }
	default:
		f.check(server.Down())
		return "server down", func() { f.check(server.Up()) }
	}
}

func (f *faults) check(err error) {
	if err != nil {
		f.t.Errorf("%v; of the kernel's messages: %q", err, labtest.Warned(f.t, "timeout"))
	}
}

// mend reverts all faults.
func (f *faults) mend() {
	all := f.radio.Controllers()
	for _, c := range all {
		f.check(c.Plug())
		c.Refuse(0)
		c.SetReachable(true)
		c.SetPageTimeout(pageTimeout)
		if c == all[0] {
			continue
		}
		link := f.radio.Link(all[0], c)
		link.Resume()
		link.SetDelay(0)
		link.SetSupervisionTimeout(supervisionTimeout)
	}
}

func (f *faults) report() {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(f.count)) {
		lines = append(lines, fmt.Sprintf("%4d × %s", f.count[name], name))
	}
	f.t.Logf("faults:\n%s", strings.Join(lines, "\n"))
}
