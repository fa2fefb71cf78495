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
	// defaultIdleTimeout is used if IdleTimeout is 0.
	defaultIdleTimeout = 30 * time.Second

	// minProgress is the number of bytes that must be transferred within the
	// idle timeout. It makes a peer that sends single bytes time out.
	minProgress = 1 << 10

	// stuckGrace is the maximum time that a call waits for the transfer to
	// return after the context has ended. Only a stuck reader, writer or file
	// system takes longer; the call then returns and leaves it running.
	stuckGrace = 100 * time.Millisecond
)

// longAgo is a deadline that unblocks all pending reads or writes.
var longAgo = time.Unix(1, 0)

// A wire is a connection to a peer with an idle timeout. A context can end it.
// One goroutine may read while another one writes.
type wire struct {
	conn   net.Conn
	peer   string        // serverPeer or clientPeer
	reader *bufio.Reader // reads through wire.Read
	idle   time.Duration
	chunk  []byte // buffer for one chunk, see content.go

	streaming atomic.Bool // whether received bytes extend the read deadline
	deadline  time.Time   // the read deadline, while streaming
	moved     int         // bytes received since it was set

	done chan struct{} // closed by end

	mu       sync.Mutex
	failed   error // the first failure, after which the wire is unusable
	ended    bool  // whether deadlines stay in the past
	waiting  bool  // whether awaitRequest is waiting
	draining bool  // whether no more requests may begin
}

// The kind of peer, as it appears in error texts.
const (
	serverPeer = "server"
	clientPeer = "client"
)

// newWire returns a wire over conn.
func newWire(conn net.Conn, peer string, idle time.Duration) *wire {
	w := &wire{conn: conn, peer: peer, chunk: make([]byte, chunkSpace), done: make(chan struct{})}
	w.reader = bufio.NewReaderSize(w, maxBlock)
	w.setIdle(idle)
	return w
}

// setIdle sets the idle timeout. The default is used if it is 0.
func (w *wire) setIdle(idle time.Duration) {
	if idle == 0 {
		idle = defaultIdleTimeout
	}
	w.idle = idle
}

// run calls f and returns its error. If ctx ends or end is called before f
// returns, run returns the reason.
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

// contextError returns the reason for which a context ended.
func contextError(ctx context.Context) error {
	if context.Cause(ctx) == ErrServerClosed {
		return ErrServerClosed
	}
	return ctx.Err()
}

// end unblocks all reads and writes, now and in the future, and records err as
// the reason.
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

// fail marks the wire as unusable because of err, and returns err.
func (w *wire) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
	return err
}

// failure returns the reason for which the wire is unusable, or nil.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// within sets a fixed read deadline: all reads together may take d.
func (w *wire) within(d time.Duration) error {
	w.streaming.Store(false)
	return w.setReadDeadline(time.Now().Add(d))
}

// stream sets the read deadline to the idle timeout and starts to extend it on
// progress.
func (w *wire) stream() error {
	w.streaming.Store(true)
	w.moved = 0
	w.deadline = time.Now().Add(w.idle)
	return w.setReadDeadline(w.deadline)
}

// extend moves the read deadline by d, while streaming.
func (w *wire) extend(d time.Duration) error {
	w.deadline = w.deadline.Add(d)
	return w.setReadDeadline(w.deadline)
}

// forever removes the read deadline.
func (w *wire) forever() error {
	w.streaming.Store(false)
	return w.setReadDeadline(time.Time{})
}

func (w *wire) setReadDeadline(t time.Time) error { return w.setDeadline(w.conn.SetReadDeadline, t) }

func (w *wire) setWriteDeadline(t time.Time) error { return w.setDeadline(w.conn.SetWriteDeadline, t) }

// setDeadline sets a deadline, unless end was called.
func (w *wire) setDeadline(set func(time.Time) error, t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil
	}
	err := set(t)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil // the next read or write reports it, after the buffered data
	}
	return err
}

// Read reads from the connection. It is the source of the buffered reader.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.conn.Read(p)
	if w.streaming.Load() {
		if w.moved += n; w.moved >= minProgress && err == nil {
			err = w.stream()
		}
	}
	return n, w.explain(err)
}

// Write writes all of p, as long as the peer keeps reading.
//
// Write checks the progress several times within the idle timeout. A kernel
// buffer may accept some bytes of each new write although the peer reads
// nothing. Such bytes must not restart the whole timeout each time.
func (w *wire) Write(p []byte) (int, error) {
	const checks = 4
	written, moved, since := 0, 0, time.Now()
	for {
		deadline := time.Now().Add(w.idle / checks)
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
		case moved >= minProgress:
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

// explain returns an error that describes the idle timeout if err is a timeout,
// and otherwise err.
func (w *wire) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return publicErrorf(os.ErrDeadlineExceeded, "the %s was silent, or took nothing, for %v", w.peer, w.idle)
	}
	return err
}

// errDraining means that drain ended the wait for a request.
var errDraining = errors.New("no more requests")

// awaitRequest waits for the first byte of a request, at most for the idle
// timeout. It returns errDraining as soon as drain is called.
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

// wait records whether awaitRequest is waiting, and reports whether a request
// may begin.
func (w *wire) wait(waiting bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = waiting
	return !w.draining
}

// drain keeps further requests from beginning. The current request continues.
func (w *wire) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
	if w.waiting {
		w.conn.SetReadDeadline(longAgo)
	}
}

// farewell sends the last message. It reads and discards data meanwhile,
// because the peer may read nothing until its own data has been read.
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

// closeTime is the maximum time that close waits for the peer.
const closeTime = time.Second

// close closes the connection such that the peer receives the last bytes even
// if it is still sending. TCP discards them if a connection with unread bytes
// is closed, so close first closes the sending direction and then reads until
// the peer closes its own.
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
