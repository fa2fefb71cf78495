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
type link struct {
	conn   net.Conn
	peer   string        // what is at the other end: serverPeer or clientPeer
	reader *bufio.Reader // of the link itself
	idle   time.Duration
	chunk  []byte // for one chunk, see content.go

	streaming atomic.Bool // whether bytes that come extend the deadline
	deadline  time.Time   // the one that was set, while streaming
	moved     int         // how many came since

	over chan struct{} // closed by end

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

// newLink returns a link over a connection.
func newLink(conn net.Conn, peer string, idle time.Duration) *link {
	l := &link{conn: conn, peer: peer, chunk: make([]byte, chunkSpace), over: make(chan struct{})}
	l.reader = bufio.NewReaderSize(l, maxBlock)
	l.setIdle(idle)
	return l
}

func (l *link) setIdle(idle time.Duration) {
	if idle == 0 {
		idle = defaultIdleTimeout
	}
	l.idle = idle
}

// run calls f and returns its error, or that of the context or of end as soon as
// one of them ends it.
func (l *link) run(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { l.end(contextError(ctx)) })
	defer stop()
	result := make(chan error, 1)
	go func() { result <- f() }()
	var err error
	select {
	case err = <-result:
	case <-l.over:
		select {
		case err = <-result:
		case <-time.After(stuckGrace):
			err = l.failure()
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return contextError(ctx)
	case l.isEnded():
		return l.failure()
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
func (l *link) end(err error) {
	l.fail(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.ended = true
		close(l.over)
	}
	l.conn.SetDeadline(longAgo)
}

// fail records that the link is of no further use, and returns the error.
func (l *link) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = err
	}
	return err
}

// failure returns why the link is of no further use, or nil.
func (l *link) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// within gives reads this much time in all.
func (l *link) within(d time.Duration) error {
	l.streaming.Store(false)
	return l.setReadDeadline(time.Now().Add(d))
}

// stream gives reads the idle timeout, again after each bit of progress.
func (l *link) stream() error {
	l.streaming.Store(true)
	l.moved = 0
	l.deadline = time.Now().Add(l.idle)
	return l.setReadDeadline(l.deadline)
}

// extend gives reads more time, while streaming.
func (l *link) extend(d time.Duration) error {
	l.deadline = l.deadline.Add(d)
	return l.setReadDeadline(l.deadline)
}

// forever lets reads wait without limit.
func (l *link) forever() error {
	l.streaming.Store(false)
	return l.setReadDeadline(time.Time{})
}

func (l *link) setReadDeadline(t time.Time) error { return l.setDeadline(l.conn.SetReadDeadline, t) }

func (l *link) setWriteDeadline(t time.Time) error { return l.setDeadline(l.conn.SetWriteDeadline, t) }

// setDeadline sets a deadline, unless the link has been ended.
func (l *link) setDeadline(set func(time.Time) error, t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
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
func (l *link) Read(p []byte) (int, error) {
	n, err := l.conn.Read(p)
	if l.streaming.Load() {
		if l.moved += n; l.moved >= leastProgress && err == nil {
			err = l.stream()
		}
	}
	return n, l.explain(err)
}

// Write writes all of p, for as long as the peer goes on taking it.
//
// It looks several times within the idle timeout: a kernel's buffer takes some of
// what it gets anew, even if the peer takes nothing, and that must not count as a
// whole timeout of progress each time.
func (l *link) Write(p []byte) (int, error) {
	const looks = 4
	written, moved, since := 0, 0, time.Now()
	for {
		deadline := time.Now().Add(l.idle / looks)
		if last := since.Add(l.idle); last.Before(deadline) {
			deadline = last
		}
		if err := l.setWriteDeadline(deadline); err != nil {
			return written, l.fail(err)
		}
		n, err := l.conn.Write(p[written:])
		written, moved = written+n, moved+n
		if written == len(p) {
			return written, nil
		}
		if err == nil {
			return written, l.fail(io.ErrShortWrite)
		}
		switch {
		case !errors.Is(err, os.ErrDeadlineExceeded) || l.isEnded():
			return written, l.fail(l.explain(err))
		case moved >= leastProgress:
			moved, since = 0, time.Now()
		case time.Since(since) >= l.idle:
			return written, l.fail(l.explain(err))
		}
	}
}

func (l *link) isEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// explain makes an idle timeout say what it is.
func (l *link) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return tell(os.ErrDeadlineExceeded, "the %s was silent, or took nothing, for %v", l.peer, l.idle)
	}
	return err
}

// errDraining: the wait for a request was ended by drain.
var errDraining = errors.New("no more requests")

// awaitRequest waits for the first byte of a request for the idle timeout. It
// returns errDraining as soon as drain is called, or was.
func (l *link) awaitRequest() (first byte, err error) {
	if err := l.within(l.idle); err != nil {
		return 0, err
	}
	if !l.wait(true) {
		return 0, errDraining
	}
	peeked, err := l.reader.Peek(1)
	draining := !l.wait(false)
	switch {
	case err == nil:
		return peeked[0], nil
	case draining && errors.Is(err, os.ErrDeadlineExceeded) && !l.isEnded():
		return 0, errDraining
	default:
		return 0, err
	}
}

// wait records whether the link waits for a request, and reports whether one may
// come.
func (l *link) wait(waiting bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = waiting
	return !l.draining
}

// drain lets no more requests begin. The one under way goes on.
func (l *link) drain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.draining = true
	if l.waiting {
		l.conn.SetReadDeadline(longAgo)
	}
}

// farewell sends the last message. The peer may be sending, too, and take nothing
// until that is taken.
func (l *link) farewell(message []byte) {
	l.within(l.idle)
	discarded := make(chan struct{})
	go func() {
		io.Copy(io.Discard, l.reader)
		close(discarded)
	}()
	l.Write(message)
	l.setReadDeadline(longAgo)
	<-discarded
}

// closeTime is how long close waits for a peer to take the last bytes.
const closeTime = time.Second

// close closes the connection, so that a peer that is still sending gets the
// last bytes all the same: TCP throws them away when it closes over bytes that
// were not read.
func (l *link) close() error {
	defer l.conn.Close()
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return nil
	}
	if err := l.within(min(closeTime, l.idle)); err != nil {
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{l.conn}, l.chunk)
	return err
}
