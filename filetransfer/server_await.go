package filetransfer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

const (
	defaultFirstTimeout   = 10 * time.Second
	defaultRequestTimeout = 60 * time.Second
)

// errDraining means that no more requests may begin.
var errDraining = errors.New("no more requests")

// drain keeps further requests from beginning. The current request continues.
func (s *session) drain() { s.drainOnce.Do(func() { close(s.drained) }) }

// A limit is a time at which a session ends, and the reason.
type limit struct {
	end    time.Time
	reason error
}

// or returns the limit that ends first.
func (l limit) or(other limit) limit {
	if other.end.Before(l.end) {
		return other
	}
	return l
}

// errCrowded means that a session ends because other clients wait.
var errCrowded = fmt.Errorf("other clients wait: %w", os.ErrDeadlineExceeded)

// crowdedErrorf returns an error that matches errCrowded and is reported to the
// client.
func crowdedErrorf(format string, values ...any) error {
	return publicErrorf(errCrowded, "other clients wait, and "+format, values...)
}

// awaitRequest waits for the first byte of a request, and returns it without
// reading it. The wait ends after the idle timeout, and while other clients wait
// also at the limits of Server. If the session is draining, awaitRequest returns
// errDraining.
func (s *session) awaitRequest() (byte, error) {
	ahead := s.codec.lookAhead()
	silence := limit{time.Now().Add(s.conn.idle), s.conn.explain(os.ErrDeadlineExceeded)}
	timer := time.NewTimer(s.conn.idle)
	defer timer.Stop()
	for !isClosed(s.drained) {
		crowd := s.queue.waiting()
		next := silence
		if isClosed(crowd) {
			crowd = nil
			next = silence.or(s.crowdedLimit())
		}
		left := time.Until(next.end)
		if left <= 0 {
			return 0, next.reason
		}
		timer.Reset(left)
		select {
		case <-ahead.done:
			if err := s.codec.settle(); err != nil {
				return 0, err
			}
			b, err := s.codec.reader.Peek(1)
			return b[0], err
		case <-timer.C:
		case <-crowd:
		case <-s.drained:
		case <-s.conn.done:
			return 0, s.conn.failure()
		}
	}
	return 0, errDraining
}

// crowdedLimit returns the time at which the next request must have begun if
// other clients wait.
func (s *session) crowdedLimit() limit {
	end := s.sessionEnd()
	if !s.framed {
		timeout := orTimeout(s.FirstTimeout, defaultFirstTimeout)
		return end.or(limit{s.began.Add(timeout), crowdedErrorf("nothing was sent for %v", timeout)})
	}
	timeout := s.requestTimeout()
	return end.or(limit{s.rested.Add(timeout), crowdedErrorf("no request was sent for %v", timeout)})
}

func (s *session) requestTimeout() time.Duration {
	return orTimeout(s.RequestTimeout, defaultRequestTimeout)
}

// keepAliveLimit returns an error if the client has sent only wait blocks for
// RequestTimeout, or if the session is overdue, while other clients wait.
func (s *session) keepAliveLimit(inARow time.Duration) error {
	timeout := s.requestTimeout()
	if s.queue.isWaiting() && inARow >= timeout {
		return crowdedErrorf("only wait blocks were sent for %v", timeout)
	}
	return s.overdue()
}

// never is later than all deadlines.
const never = 1 << 62

// sessionEnd returns the time at which the session ends if other clients wait.
func (s *session) sessionEnd() limit {
	timeout := orTimeout(s.SessionTimeout, never)
	return limit{s.began.Add(timeout), crowdedErrorf("the session has lasted for %v", timeout)}
}

// overdue returns an error if the session has lasted for SessionTimeout and
// other clients wait.
func (s *session) overdue() error {
	if s.SessionTimeout <= 0 || time.Since(s.began) < s.SessionTimeout || !s.queue.isWaiting() {
		return nil
	}
	return s.sessionEnd().reason
}

// A watchedReader reads the content of a get until the session is overdue.
type watchedReader struct {
	*session
	io.Reader
}

func (r watchedReader) Read(p []byte) (int, error) {
	if err := r.overdue(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// orTimeout returns a timeout, the default if it is 0, or never if it is
// negative.
func orTimeout(timeout, otherwise time.Duration) time.Duration {
	switch {
	case timeout < 0:
		return never
	case timeout == 0:
		return otherwise
	default:
		return timeout
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
