package filetransfer

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultIdleTimeout is what an IdleTimeout of 0 stands for.
	defaultIdleTimeout = 30 * time.Second

	// leastProgress is how many bytes must move within the idle timeout for a
	// transfer to count as alive, so that a peer that drips bytes does not.
	leastProgress = 1 << 10

	// stuckGrace is how long a call waits, after its context has ended, for
	// the transfer to return. Only a reader, writer or file system that is
	// stuck takes longer; it is left to itself then.
	stuckGrace = 100 * time.Millisecond
)

// longAgo is a deadline that wakes whoever waits.
var longAgo = time.Unix(1, 0)

// A link is a connection with a time limit on silence, which a context can end.
// One goroutine may read and another one write.
type wire struct {
	conn   net.Conn
	peer   string        // what is at the other end: serverPeer or clientPeer
	reader *bufio.Reader // of the link itself
	idle   time.Duration
	chunk  []byte // for one chunk, see content.go

	streaming atomic.Bool // whether bytes that come extend the deadline
	deadline  time.Time   // the one that was set, while streaming
	moved     int         // how many came since

	done chan struct{} // closed by end

	mu       sync.Mutex
	failed   error // the first failure, after which the link is of no use
	ended    bool  // deadlines stay in the past
	waiting  bool  // for a request, see awaitRequest
	draining bool  // no more requests
}

// What is at the other end of a link, in errors.
const (
	serverPeer = "server"
	clientPeer = "client"
)

// newWire returns a link over a connection.
func newWire(conn net.Conn, peer string, idle time.Duration) *wire {
	w := &wire{conn: conn, peer: peer, chunk: make([]byte, chunkSpace), done: make(chan struct{})}
	w.reader = bufio.NewReaderSize(w, maxBlock)
	w.setIdle(idle)
	return w
}

func (w *wire) setIdle(idle time.Duration) {
	if idle == 0 {
		idle = defaultIdleTimeout
	}
	w.idle = idle
}

// run calls f and returns its error, or that of the context or of end as soon as
// one of them ends it.
func (w *wire) run(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { w.end(contextError(ctx)) })
	defer stop()
	result := make(chan error, 1)
	go func() { result <- f() }()
	var err error
	select {
	case err = <-result:
	case <-w.done:
		select {
		case err = <-result:
		case <-time.After(stuckGrace):
			err = w.failure()
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return contextError(ctx)
	case w.isEnded():
		return w.failure()
	default:
		return err
	}
}

// contextError returns why a context ended.
func contextError(ctx context.Context) error {
	if context.Cause(ctx) == ErrServerClosed {
		return ErrServerClosed
	}
	return ctx.Err()
}

// end wakes whoever waits on the link, for good, and says why.
func (w *wire) end(err error) {
	w.fail(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.ended = true
		close(w.done)
	}
	w.conn.SetDeadline(longAgo)
}

// fail records that the link is of no further use, and returns the error.
func (w *wire) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
	return err
}

// failure returns why the link is of no further use, or nil.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// within gives reads this much time in all.
func (w *wire) within(d time.Duration) error {
	w.streaming.Store(false)
	return w.setReadDeadline(time.Now().Add(d))
}

// stream gives reads the idle timeout, again after each bit of progress.
func (w *wire) stream() error {
	w.streaming.Store(true)
	w.moved = 0
	w.deadline = time.Now().Add(w.idle)
	return w.setReadDeadline(w.deadline)
}

// extend gives reads more time, while streaming.
func (w *wire) extend(d time.Duration) error {
	w.deadline = w.deadline.Add(d)
	return w.setReadDeadline(w.deadline)
}

// forever lets reads wait without limit.
func (w *wire) forever() error {
	w.streaming.Store(false)
	return w.setReadDeadline(time.Time{})
}

func (w *wire) setReadDeadline(t time.Time) error { return w.setDeadline(w.conn.SetReadDeadline, t) }

func (w *wire) setWriteDeadline(t time.Time) error { return w.setDeadline(w.conn.SetWriteDeadline, t) }

// setDeadline sets a deadline, unless the link has been ended.
func (w *wire) setDeadline(set func(time.Time) error, t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil
	}
	err := set(t)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil // the read or write says it, after what is still to be read
	}
	return err
}

// Read reads from the connection. It is what the link's buffered reader reads
// from.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.conn.Read(p)
	if w.streaming.Load() {
		if w.moved += n; w.moved >= leastProgress && err == nil {
			err = w.stream()
		}
	}
	return n, w.explain(err)
}

// Write writes all of p, for as long as the peer goes on taking it.
//
// It looks several times within the idle timeout: a kernel's buffer takes some of
// what it gets anew, even if the peer takes nothing, and that must not count as a
// whole timeout of progress each time.
func (w *wire) Write(p []byte) (int, error) {
	const looks = 4
	written, moved, since := 0, 0, time.Now()
	for {
		deadline := time.Now().Add(w.idle / looks)
		if last := since.Add(w.idle); last.Before(deadline) {
			deadline = last
		}
		if err := w.setWriteDeadline(deadline); err != nil {
			return written, w.fail(err)
		}
		n, err := w.conn.Write(p[written:])
		written, moved = written+n, moved+n
		if written == len(p) {
			return written, nil
		}
		if err == nil {
			return written, w.fail(io.ErrShortWrite)
		}
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded) || w.isEnded():
			return written, w.fail(w.explain(err))
		case moved >= leastProgress:
			moved, since = 0, time.Now()
		case time.Since(since) >= w.idle:
			return written, w.fail(w.explain(err))
		}
	}
}

func (w *wire) isEnded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended
}

// explain makes an idle timeout say what it is.
func (w *wire) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return publicErrorf(os.ErrDeadlineExceeded, "the %s was silent, or took nothing, for %v", w.peer, w.idle)
	}
	return err
}

// errDraining: the wait for a request was ended by drain.
var errDraining = errors.New("no more requests")

// awaitRequest waits for the first byte of a request for the idle timeout. It
// returns errDraining as soon as drain is called, or was.
func (w *wire) awaitRequest() (first byte, err error) {
	if err := w.within(w.idle); err != nil {
		return 0, err
	}
	if !w.wait(true) {
		return 0, errDraining
	}
	peeked, err := w.reader.Peek(1)
	draining := !w.wait(false)
	switch {
	case err == nil:
		return peeked[0], nil
	case draining && errors.Is(err, os.ErrDeadlineExceeded) && !w.isEnded():
		return 0, errDraining
	default:
		return 0, err
	}
}

// wait records whether the link waits for a request, and reports whether one may
// come.
func (w *wire) wait(waiting bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = waiting
	return !w.draining
}

// drain lets no more requests begin. The one under way goes on.
func (w *wire) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
	if w.waiting {
		w.conn.SetReadDeadline(longAgo)
	}
}

// farewell sends the last message. The peer may be sending, too, and take nothing
// until that is taken.
func (w *wire) farewell(message []byte) {
	w.within(w.idle)
	discarded := make(chan struct{})
	go func() {
		io.Copy(io.Discard, w.reader)
		close(discarded)
	}()
	w.Write(message)
	w.setReadDeadline(longAgo)
	<-discarded
}

// closeTime is how long close waits for a peer to take the last bytes.
const closeTime = time.Second

// close closes the connection, so that a peer that is still sending gets the
// last bytes all the same: TCP throws them away when it closes over bytes that
// were not read.
func (w *wire) close() error {
	defer w.conn.Close()
	half, ok := w.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return nil
	}
	if err := w.within(min(closeTime, w.idle)); err != nil {
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{w.conn}, w.chunk)
	return err
}
