package filetransfer

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
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

// A connection is a net.Conn to a peer, with an idle timeout. A context can end
// it. One goroutine may read while others write.
//
// No deadline of the net.Conn passes before the connection is given up, because
// a timeout may be final: after a Write of a tls.Conn has timed out, all later
// ones fail. The time for which a Read waits is limited by a patience.
type connection struct {
	conn     net.Conn
	peer     string // serverPeer or clientPeer
	idle     time.Duration
	incoming *inlet
	patience patience // for Read

	// keepAliveLimit, if not nil, returns an error if the peer may not send
	// keepalives for so long without any progress.
	keepAliveLimit func(inARow time.Duration) error

	writing chan struct{} // holds a token during a Write
	done    chan struct{} // closed by end

	mu       sync.Mutex
	failed   error     // the first failure, after which the connection is unusable
	ended    bool      // whether deadlines stay in the past
	begun    bool      // whether removeDeadlines was called
	inWrite  bool      // whether net.Conn.Write is running
	writeEnd time.Time // the time at which that Write takes too long
	watchdog *time.Timer
	mute     bool      // whether a Write has failed, so that nothing can be sent
	progress time.Time // the last time at which the peer sent or accepted data
}

// The kind of peer, as it appears in error texts.
const (
	serverPeer = "server"
	clientPeer = "client"
)

// newConnection returns a connection over conn.
func newConnection(conn net.Conn, peer string, idle time.Duration) *connection {
	c := &connection{
		conn:     conn,
		peer:     peer,
		incoming: newInlet(conn),
		patience: newPatience(),
		writing:  make(chan struct{}, 1),
		done:     make(chan struct{}),
	}
	c.setIdle(idle)
	return c
}

// setIdle sets the idle timeout. The default is used if it is 0.
func (c *connection) setIdle(idle time.Duration) {
	if idle == 0 {
		idle = defaultIdleTimeout
	}
	c.idle = idle
}

// run calls f and returns its error. If ctx ends or end is called before f
// returns, run returns the reason.
func (c *connection) run(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { c.end(contextError(ctx)) })
	defer stop()
	result := make(chan error, 1)
	go func() { result <- f() }()
	var err error
	select {
	case err = <-result:
	case <-c.done:
		select {
		case err = <-result:
		case <-time.After(stuckGrace):
			err = c.failure()
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return contextError(ctx)
	case c.isEnded():
		return c.failure()
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
func (c *connection) end(err error) {
	c.fail(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		close(c.done)
	}
	c.conn.SetDeadline(longAgo)
}

// removeDeadlines removes the deadlines that the caller of this package may have
// set, before the first read or write. After that, end sets the only deadline.
func (c *connection) removeDeadlines() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun || c.ended {
		return nil
	}
	c.begun = true
	err := c.conn.SetDeadline(time.Time{})
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return nil // the next read or write reports it, after the buffered data
	}
	return err
}

// fail marks the connection as unusable because of err, and returns err.
func (c *connection) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = err
	}
	return err
}

// failure returns the reason for which the connection is unusable, or nil.
func (c *connection) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

func (c *connection) isEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// explain returns an error that describes the idle timeout if err is a timeout,
// and otherwise err.
func (c *connection) explain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return publicErrorf(os.ErrDeadlineExceeded, "the %s was silent, or took nothing, for %v", c.peer, c.idle)
	}
	return err
}

// closeTime is the maximum time that close waits for the peer.
const closeTime = time.Second

// close closes the connection after linger.
func (c *connection) close(settle func() error) {
	defer c.abandon()
	c.linger(settle)
}

// linger ends the sending direction such that the peer receives the last bytes
// even if it is still sending. TCP discards them if a connection with unread
// bytes is closed, so linger first closes the sending direction and then reads
// until the peer closes its own. Before that, it calls settle, which waits for a
// pending read.
func (c *connection) linger(settle func() error) {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok || c.isMute() || half.CloseWrite() != nil {
		return
	}
	c.within(min(closeTime, c.idle))
	if !c.isEnded() && settle() == nil {
		c.discard()
	}
}

// hangUp closes the connection without waiting for the peer.
func (c *connection) hangUp() error {
	return c.conn.Close()
}

// abandon is hangUp for a caller that does not wait for long. A tls.Conn sends a
// last message when it is closed, which takes up to 5 s if the peer reads
// nothing. In that case, abandon returns nil, and the connection is closed
// later.
func (c *connection) abandon() error {
	closed := make(chan error, 1)
	go func() { closed <- c.hangUp() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(stuckGrace):
		return nil
	}
}
