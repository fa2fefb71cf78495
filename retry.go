package rfcomm

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
)

// The limits of a dial that retries. The pauses between its attempts double
// from firstPause to lastPause; the last attempt begins at most retryFor after
// the first failure.
const (
	retryFor   = 5 * time.Second
	firstPause = 5 * time.Millisecond
	lastPause  = 500 * time.Millisecond

	// recentFor is how long after a close of this process a refused dial may
	// be due to it.
	recentFor = 3 * time.Second
)

// A retrier dials until an attempt succeeds, fails for good, or the context is
// done.
type retrier struct {
	// attempt makes one attempt, on a new socket: one whose connect(2) failed
	// cannot connect again.
	attempt func(context.Context) (*Conn, error)

	// recentlyClosed reports whether this process closed a connection to the
	// device in the last recentFor.
	recentlyClosed func() bool
}

// A verdict is what follows from the error of an attempt.
type verdict int

const (
	giveUp     verdict = iota // return the error
	retryOnce                 // retry, unless an attempt was retried once before
	retryAgain                // retry, for retryFor
)

// verdict returns what follows from an errno of connect(2).
func (r *retrier) verdict(errno syscall.Errno) verdict {
	switch errno {
	case syscall.EBUSY, syscall.ECONNRESET:
		// The last connection to the channel, or the session, is closing.
		return retryAgain
	case syscall.ECONNREFUSED:
		// Rarely, the kernel also refuses because the session is closing.
		if r.recentlyClosed() {
			return retryOnce
		}
	}
	return giveUp
}

// dial dials, and retries as long as verdict says.
func (r *retrier) dial(ctx context.Context) (*Conn, error) {
	var (
		since time.Time // of the first failure that was retried for retryFor
		once  bool      // the one retry of retryOnce was made
		last  error     // of the last attempt that ctx did not end
	)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		conn, err := r.attempt(ctx)
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return nil, dialEnded(ctx, last)
		}
		errno, ok := connectErrno(err)
		if !ok {
			return nil, err
		}
		switch r.verdict(errno) {
		case giveUp:
			return nil, err
		case retryOnce:
			if once {
				return nil, err
			}
			once = true
		case retryAgain:
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since)+pause > retryFor {
				return nil, err
			}
		}
		last = err
		if !sleep(ctx, pause) {
			return nil, dialEnded(ctx, last)
		}
	}
}

// connectErrno returns the errno of an attempt whose connect(2) failed.
func connectErrno(err error) (errno syscall.Errno, ok bool) {
	syscallErr, ok := err.(*os.SyscallError)
	if !ok || syscallErr.Syscall != "connect" {
		return 0, false
	}
	errno, ok = syscallErr.Err.(syscall.Errno)
	return errno, ok
}

// sleep waits for d and reports true, or reports false once ctx is done.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// dialEnded is the error of a dial that ctx ended. Last is the error of the
// attempt before, or nil.
func dialEnded(ctx context.Context, last error) error {
	ended := contextError(ctx.Err())
	if last == nil {
		return ended
	}
	return &cutShort{last: last, ended: ended}
}

// recent holds when this process last closed a connection to a device.
var recent struct {
	sync.Mutex
	closed map[BDAddr]time.Time
}

// justClosed notes that a connection to the device was closed.
func justClosed(device BDAddr) {
	recent.Lock()
	defer recent.Unlock()
	now := time.Now()
	for other, at := range recent.closed {
		if now.Sub(at) > recentFor {
			delete(recent.closed, other)
		}
	}
	if recent.closed == nil {
		recent.closed = make(map[BDAddr]time.Time)
	}
	recent.closed[device] = now
}

// recentlyClosed reports whether a connection to the device was closed in the
// last recentFor.
func recentlyClosed(device BDAddr) bool {
	recent.Lock()
	defer recent.Unlock()
	at, ok := recent.closed[device]
	return ok && time.Since(at) <= recentFor
}
