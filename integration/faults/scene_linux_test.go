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

// A scene is one cell while it is played.
type scene struct {
	*testing.T
	*stage
	fault *fault
	plan  plan

	kill func() // kills the peer's process, in cells where it is one

	written int64 // bytes, in tests that count them

	struck   time.Time   // when the fault came
	striking atomic.Bool // it comes, or has come
	took     time.Duration
	err      error // what the caller got

	closers []func()       // in reverse order, at the end
	running sync.WaitGroup // goroutines that end when all is closed
}

// atEnd has a function called at the end of the scene, before it is checked that
// nothing is left.
func (s *scene) atEnd(f func()) { s.closers = append(s.closers, f) }

func (s *scene) close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.running.Wait()
}

// closing closes a connection at the end.
func (s *scene) closing(c *rfcomm.Conn) *rfcomm.Conn {
	s.atEnd(func() { c.Close() })
	return c
}

// connected returns the two ends of a connection, which are closed in the end.
func (s *scene) connected() (near, far *rfcomm.Conn) {
	s.Helper()
	near, far = s.connect(s.T, s.near, s.far)
	s.atEnd(func() {
		near.Close()
		// A channel whose ends both close over what they have not read stays busy
		// for 40 s.
		far.SetReadDeadline(time.Now().Add(drainTime))
		io.Copy(io.Discard, far)
		far.Close()
	})
	return near, far
}

// drainTime bounds how long the end of a connection is read from for its end.
const drainTime = 5 * time.Second

// drain reads all that comes, until the end.
func (s *scene) drain(c *rfcomm.Conn) { s.running.Go(func() { io.Copy(io.Discard, c) }) }

// strike lets the fault come.
func (s *scene) strike() {
	s.Helper()
	s.struck = time.Now()
	s.striking.Store(true)
	s.fault.strike(s)
}

// hangs is how long a call may take beyond the plan before it counts as one that
// never returns.
const hangs = 10 * time.Second

// await waits for what the caller gets, no longer than planned. Something that
// comes later is an error, and awaited after the fault has been mended.
func (s *scene) await(result <-chan error) {
	s.Helper()
	limit := time.NewTimer(s.plan.limit() + hangs)
	defer limit.Stop()
	select {
	case s.err = <-result:
		s.took = time.Since(s.struck)
	case <-limit.C:
		s.Errorf("nothing came within %v", s.plan.limit()+hangs)
		s.mend(s.T)
		s.err = hosttest.Receive(s.T, result)
		s.took = time.Since(s.struck)
	}
}
