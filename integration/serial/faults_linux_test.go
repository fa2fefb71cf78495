package serial_test

import (
	"fmt"
	"regexp"
	"syscall"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
	"github.com/go-rfcomm/rfcomm/internal/test/labtest"
	"github.com/go-rfcomm/rfcomm/rfcommtest"
)

// A fault ends the connections of all uses at once.
type fault struct {
	name   string
	strike func(r *round)

	want    error // the result of the uses, unless they run in a program that is killed
	program bool  // the uses run in a process of their own
	ours    bool  // the uses end the connections, not the peer or the link
}

var faults = []*fault{
	{name: "link lost", strike: (*round).loseLink, want: syscall.ETIMEDOUT},
	{name: "peer closes", strike: (*round).closePeers},
	{name: "adapter removed", strike: (*round).removeAdapter, want: syscall.ECONNABORTED},
	{name: "program killed", strike: (*round).killProgram, program: true, ours: true},
	{name: "closed", strike: (*round).endUses, ours: true},
}

// rounds returns how often each fault strikes. Four rounds have each combination of
// TestFaults once.
func rounds() int {
	switch {
	case *longFlag:
		return 200
	case testing.Short():
		return 4
	}
	return 10
}

// TestFaults runs all uses in one process, each over its own connection, and
// applies faults. In two of four rounds, other programs have the ttys open, and in
// two, the connections carry data all the time.
func TestFaults(t *testing.T) {
	a := newAir(t)
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			reportsNoDefect(t)
			for i := range rounds() {
				held, loaded := i%2 == 1, i%4 >= 2
				if !t.Run(fmt.Sprint(i+1), func(t *testing.T) { runRound(t, a, f, held, loaded) }) {
					return // more rounds would show nothing new
				}
			}
			wantNoDevice(t)
		})
	}
}

// runRound runs one round: a fault strikes uses that have carried data. They and
// their connections must end, other programs must notice, and nothing may be left.
func runRound(t *testing.T, a *air, f *fault, held, loaded bool) {
	hosttest.CheckLeaksAtEnd(t)
	r := &round{T: t, air: a, fault: f}
	r.begin()
	for _, p := range r.ports {
		p.exchange()
		if held {
			p.hold()
		}
		if loaded {
			p.load()
		}
	}
	f.strike(r)
	for _, p := range r.ports {
		p.wantResult()
		p.wantEnd()
	}
	defer func() {
		if t.Failed() {
			t.Logf("left are:\n%s", devices(t))
		}
	}()
	hosttest.Eventually(t, "no RFCOMM tty is left", func() bool { return len(ttys(t)) == 0 })
}

func (r *round) loseLink() {
	r.Helper()
	if !r.link().Disconnect(rfcommtest.ConnectionTimeout) {
		r.Error("there was no link to lose")
	}
}

func (r *round) closePeers() {
	for _, p := range r.ports {
		p.peer.Close()
	}
}

func (r *round) removeAdapter() {
	r.Helper()
	if err := r.near.Unplug(); err != nil {
		r.Error(err)
	}
	r.Cleanup(func() {
		if err := r.near.Plug(); err != nil {
			r.Error(err)
		}
	})
}

func (r *round) killProgram() { r.program.Kill() }

func (r *round) endUses() {
	for _, p := range r.ports {
		p.cancel()
	}
}

// defects are parts of the messages with which the kernel reports its defects.
var defects = regexp.MustCompile(`BUG:|WARNING:|INFO: task|Oops|protection fault|refcount_t:|corruption`)

// reportsNoDefect checks at the end of the test that the kernel has not reported a
// defect meanwhile.
func reportsNoDefect(t testing.TB) {
	t.Helper()
	lab := labtest.Require(t)
	before := len(lab.KernelWarnings())
	t.Cleanup(func() {
		for _, line := range lab.KernelWarnings()[before:] {
			if defects.MatchString(line) {
				t.Errorf("the kernel warned: %s", line)
			}
		}
	})
}
