package faults

import (
	"os"
	"slices"
	"testing"

	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// An activity is an operation of a program during which faults strike, in the
// table's first column.
type activity struct {
	name string
	// run runs a cell: it starts the operation, calls strike, and then await.
	run func(s *scenario)
	// plans are the expected results, by fault.
	plans map[*fault]plan
}

// activities lists all activities in the order of the table.
var activities = []*activity{
	dialing, accepting, reading, writing, shuttingDown,
	gettingFramed, puttingFramed, gettingPlain, serving,
}

func TestFaultTable(t *testing.T) {
	st := newSetup(t)
	var rows []row
	for _, a := range activities {
		t.Run(a.name, func(t *testing.T) {
			for _, f := range faults {
				plan, ok := a.plans[f]
				if !ok {
					t.Errorf("no plan for %s", f.name)
					continue
				}
				r := row{activity: a, fault: f, plan: plan}
				if plan.never == "" && (!plan.long || *longFlag) {
					t.Run(f.name, func(t *testing.T) {
						s := &scenario{T: t, setup: st, fault: f, plan: plan}
						s.run(a)
						r.ran, r.took, r.err = true, s.took, s.err
					})
				}
				rows = append(rows, r)
				if st.lost {
					break // the adapters are of no use any more
				}
			}
		})
		if st.lost {
			break
		}
	}
	if *tableFlag {
		printTable(os.Stdout, rows)
	}
}

// run runs the scenario with an activity, and checks its result.
func (s *scenario) run(a *activity) {
	defer s.blameKernel(s.T)
	s.reset(s.T)
	hosttest.LeavesNothingBehind(s.T, func() {
		defer s.close()
		defer s.revert(s.T)
		a.run(s)
	})
	got := resultOf(s.err)
	s.Logf("%s after %v: %v", got, s.took.Round(1e6), s.err)
	if !slices.Contains(s.plan.want, got) {
		s.Errorf("the caller got %s (%v), want %v", got, s.err, s.plan.want)
	}
	if s.took > s.plan.limit() {
		s.Errorf("it took %v, more than %v", s.took, s.plan.limit())
	}
	if s.took < s.plan.atLeast() {
		s.Errorf("it took %v, less than the %v of the fault", s.took, s.plan.atLeast())
	}
	s.connectsAnew(s.T)
}
