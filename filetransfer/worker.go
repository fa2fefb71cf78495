package filetransfer

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// maxStuck is the number of stuck calls at which a server refuses requests.
// Each stuck call holds a goroutine, and often a thread and a descriptor.
const maxStuck = 4

// A worker makes the calls of one session to file systems, one after the other,
// on its own goroutine. A call that takes longer than the limit is abandoned:
// the goroutine remains until the call returns, and makes no other call.
//
// Its methods must not be called by several goroutines at the same time.
type worker struct {
	limit   time.Duration
	stuck   *atomic.Int32 // abandoned calls of all workers of a server
	abandon func()        // called when a call is abandoned; the call may still use its buffers

	calls   chan func() error
	results chan error
	timer   *time.Timer
	broken  error // of a stuck call or a panic, after which the session must end

	mu        sync.Mutex
	abandoned bool     // whether a call was abandoned
	returned  bool     // whether the abandoned call has returned
	cleanups  []func() // run after the abandoned call
}

// newWorker returns a worker. Its goroutine starts with the first call.
func newWorker(limit time.Duration, stuck *atomic.Int32, abandon func()) *worker {
	return &worker{limit: limit, stuck: stuck, abandon: abandon}
}

// do calls f on the worker's goroutine and returns its error. After an error
// that is also in w.broken, f may still be running.
func (w *worker) do(f func() error) error {
	if w.abandoned {
		return w.broken
	}
	if w.calls == nil {
		w.calls, w.results, w.timer = make(chan func() error), make(chan error, 1), time.NewTimer(w.limit)
		go w.run()
	}
	w.timer.Reset(w.limit)
	w.calls <- f
	var err error
	select {
	case err = <-w.results:
		w.timer.Stop()
	case <-w.timer.C:
		err = w.leave()
	}
	if err != nil {
		err = w.hidePanic(err)
	}
	return err
}

// hidePanic returns an error without the details of a panic, which ends the
// session. It is a function of its own because its variable is an allocation.
func (w *worker) hidePanic(err error) error {
	var panicked *panicError
	if errors.As(err, &panicked) {
		err = publicErrorf(panicked, "internal error of the server")
		w.broken = cmp.Or(w.broken, err)
	}
	return err
}

// leave abandons the current call, unless it has just returned.
func (w *worker) leave() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case err := <-w.results:
		return err
	default:
	}
	w.broken = publicErrorf(os.ErrDeadlineExceeded, "the file system did not answer within %v", w.limit)
	w.abandoned = true
	w.stuck.Add(1)
	w.abandon()
	return w.broken
}

// later calls f after the abandoned call has returned.
func (w *worker) later(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.returned {
		go f()
		return
	}
	w.cleanups = append(w.cleanups, f)
}

// release calls f, at the latest after an abandoned call has returned.
func (w *worker) release(f func() error) error {
	if w.abandoned {
		w.later(func() { f() })
		return w.broken
	}
	return w.do(f)
}

// stop ends the goroutine. No call may follow.
func (w *worker) stop() {
	if w.calls != nil {
		close(w.calls)
	}
}

// run makes the calls until stop is called or a call is abandoned.
func (w *worker) run() {
	for f := range w.calls {
		err := protect(f)
		if !w.deliver(err) {
			for _, cleanup := range w.cleanups {
				protect(func() error { cleanup(); return nil })
			}
			w.stuck.Add(-1)
			return
		}
	}
}

// deliver passes on the result of a call, unless the call was abandoned.
func (w *worker) deliver(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.abandoned {
		w.returned = true
		return false
	}
	w.results <- err
	return true
}

// protect calls f and returns its error. If f panics, the error is a
// *panicError.
func protect(f func() error) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = &panicError{recover(), debug.Stack()}
		}
	}()
	err = f()
	returned = true
	return err
}

// A panicError is a panic of a file system.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic in the file system: %v", e.value) }
