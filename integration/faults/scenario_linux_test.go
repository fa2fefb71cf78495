package faults

import (
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/test/hosttest"
)

// A scenario is the run of one cell.
type scenario struct {
	*testing.T
	*setup
	fault *fault
	plan  plan

	kill func() // kills the peer's process, in cells with a child

	written int64 // bytes, in tests that count them

	struck   time.Time     // when the fault struck
	striking atomic.Bool   // the fault is striking, or has struck
	took     time.Duration // from the fault to the result
	err      error         // the caller's result

	closers []func()       // called at the end, the last one first
	running sync.WaitGroup // goroutines that end once the closers have run
}

// atEnd registers a function that is called at the end of the scenario, before
// the check for leaks.
func (s *scenario) atEnd(f func()) { s.closers = append(s.closers, f) }

func (s *scenario) close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.running.Wait()
}

// closing registers a connection to be closed at the end, and returns it.
func (s *scenario) closing(c *rfcomm.Conn) *rfcomm.Conn {
	s.atEnd(func() { c.Close() })
	return c
}

// connected returns the two ends of a new connection, which are
// closed at the end.
func (s *scenario) connected() (near, far *rfcomm.Conn) {
	s.Helper()
	near, far = s.connect(s.T, s.near, s.far)
	s.atEnd(func() {
		near.Close()
		// If both ends close with unread data, their channel stays
		// busy for 40 s.
		far.SetReadDeadline(time.Now().Add(drainTime))
		io.Copy(io.Discard, far)
		far.Close()
	})
	return near, far
}

// drainTime limits the wait for the end of a stream before the
// connection is closed.
const drainTime = 5 * time.Second

// drain reads and discards data until the end of the stream.
func (s *scenario) drain(c *rfcomm.Conn) { s.running.Go(func() { io.Copy(io.Discard, c) }) }

// strike applies the fault.
func (s *scenario) strike() {
	s.Helper()
	s.struck = time.Now()
	s.striking.Store(true)
	s.fault.strike(s)
}

// hangs is the time beyond the planned limit after which a call
// counts as hanging.
const hangs = 10 * time.Second

// await waits for the caller's result. If none arrives within the planned
// time limit plus the constant hangs, await fails the test, reverts the
// fault, and continues to wait.
func (s *scenario) await(result <-chan error) {
	s.Helper()
	limit := time.NewTimer(s.plan.limit() + hangs)
	defer limit.Stop()
	select {
	case s.err = <-result:
		s.took = time.Since(s.struck)
	case <-limit.C:
		s.Errorf("no result within %v", s.plan.limit()+hangs)
		s.revert(s.T)
		s.err = hosttest.Receive(s.T, result)
		s.took = time.Since(s.struck)
	}
}
