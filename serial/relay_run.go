package serial

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// A relaying is one call of Run or Serve.
type relaying struct {
	*Relay
	connect func(context.Context) (net.Conn, error)
	many    bool // one connection after the other
	redial  bool // the end of a connection delays the next one
	started bool // a port was usable

	peer, port backoff
}

// A portError means that the port has ended, and why.
type portError struct {
	err     error // io.EOF if it ended without an error
	sending error // the peer may lack data that the port sent before
}

func (e *portError) Error() string { return "the port has ended: " + e.err.Error() }
func (e *portError) Unwrap() error { return e.err }

// errStuck is the portError of a port that did not send its data in time. It can
// be opened again at once.
var errStuck = errors.New("serial: the port did not send its data in time")

// run relays with one port after the other.
func (r *relaying) run(ctx context.Context) error {
	line, err := r.Open(ctx)
	for err == nil {
		opened := time.Now()
		err = r.runPort(ctx, line)
		lost, ok := errors.AsType[*portError](err)
		if !ok || ctx.Err() != nil {
			break
		}
		r.report(Event{State: StatePortLost, Name: lineName(line), Err: lost.err})
		if !r.reopens(lost) {
			return r.result(lost)
		}
		r.port.lasted(time.Since(opened))
		line, err = r.reopen(ctx, lineName(line), lost)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// reopens reports whether the port is to be opened again.
func (r *relaying) reopens(lost *portError) bool {
	return r.Keep || lost.err == errStuck && r.many
}

// result returns the result of Run or Serve after the end of a port.
func (r *relaying) result(lost *portError) error {
	if lost.err == io.EOF && !r.many {
		return lost.sending
	}
	return lost.err
}

// reopen opens the port again. With a port that was only stuck, it does not wait
// before the first attempt.
func (r *relaying) reopen(ctx context.Context, name string, lost *portError) (Line, error) {
	cause := lost.err
	if cause == errStuck {
		line, err := r.Open(ctx)
		if err == nil || !r.Keep {
			return line, err
		}
		cause = err
	}
	return retry(ctx, &r.port, cause, r.retrying(name), r.Open)
}

// runPort relays between a port and one connection after the other, and closes
// the port. The error is a *portError if the port has ended.
func (r *relaying) runPort(ctx context.Context, line Line) error {
	if err := r.startLine(line); err != nil {
		line.Close()
		return err
	}
	r.report(Event{State: StateOpen, Name: lineName(line)})
	p := startPort(r.Relay, line)
	defer p.close()
	portCtx, cancel := p.context(ctx)
	defer cancel()
	var cause error
	for {
		conn, err := r.nextConn(portCtx, cause)
		if err != nil {
			return p.endedOr(err)
		}
		cause = r.join(ctx, p, conn)
		if _, ok := errors.AsType[*portError](cause); ok || ctx.Err() != nil {
			return cause
		}
		if !r.many {
			return endOf(cause)
		}
	}
}

// startLine checks a port and clears its outputs. An error of a port that was
// usable before means that it has failed again.
func (r *relaying) startLine(line Line) error {
	if err := r.checkLine(line); err != nil {
		return err
	}
	if err := r.clearOutputs(line); err != nil {
		if r.started {
			return &portError{err: err}
		}
		return err
	}
	r.started = true
	return nil
}

// nextConn returns the next connection. The cause is the reason why the one
// before has ended, or nil.
func (r *relaying) nextConn(ctx context.Context, cause error) (net.Conn, error) {
	if cause == nil || !r.redial {
		conn, err := r.dial(ctx)
		if err == nil || !r.many || ctx.Err() != nil || permanent(err) {
			return conn, err
		}
		cause = err
	}
	return retry(ctx, &r.peer, cause, r.retrying(""), r.dial)
}

// dial returns a connection that has modem signals if Lines is set.
func (r *relaying) dial(ctx context.Context) (net.Conn, error) {
	conn, err := r.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.checkConn(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// join relays between the port and one connection, and closes the connection. It
// returns the reason for its end.
func (r *relaying) join(ctx context.Context, p *port, conn net.Conn) error {
	r.counters.connections.Add(1)
	s := &session{Relay: r.Relay, port: p, conn: conn}
	remote, began := conn.RemoteAddr(), time.Now()
	to := p.attach(conn)
	r.report(Event{State: StateConnected, Name: p.name, Remote: remote, Discarded: r.discarded.Swap(0)})
	err := s.run(ctx, to)
	r.peer.lasted(time.Since(began))
	r.report(Event{State: StateDisconnected, Name: p.name, Remote: remote, Err: err})
	return err
}

// retrying returns a function that reports an attempt to connect, or to open the
// port with the given name.
func (r *relaying) retrying(name string) func(error, time.Duration) {
	return func(cause error, delay time.Duration) {
		r.report(Event{State: StateRetrying, Name: name, Err: cause, Delay: delay})
	}
}

// endOf returns the result of Run for the reason why a connection has ended.
func endOf(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// lineName returns the name of a line that has one.
func lineName(line Line) string {
	if named, ok := line.(interface{ Name() string }); ok {
		return named.Name()
	}
	return ""
}
