package serial

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A port is the open port of a Relay. A goroutine reads it until it ends, and
// passes the data to the current connection.
type port struct {
	relay *Relay
	line  Line
	name  string

	ended chan struct{} // closed when the reader has ended
	err   error         // why; set before ended is closed

	mu sync.Mutex
	to *outlet // nil without a connection
}

// An outlet is the connection that receives the data of a port.
type outlet struct {
	conn   net.Conn
	sent   atomic.Int64 // bytes
	failed chan error   // receives the error of a Write
}

// startPort begins to read a line.
func startPort(r *Relay, line Line) *port {
	p := &port{relay: r, line: line, name: lineName(line), ended: make(chan struct{})}
	go p.read()
	return p
}

// read passes the data of the line on until the line ends.
func (p *port) read() {
	defer close(p.ended)
	buffer := make([]byte, 16<<10)
	for {
		n, err := p.line.Read(buffer)
		p.pass(buffer[:n])
		if err != nil {
			p.err = err
			return
		}
	}
}

// pass writes data to the current connection, and otherwise discards it.
func (p *port) pass(data []byte) {
	if len(data) == 0 {
		return
	}
	p.mu.Lock()
	to := p.to
	p.mu.Unlock()
	if to != nil {
		n, err := to.conn.Write(data)
		to.sent.Add(int64(n))
		p.relay.counters.sent.Add(int64(n))
		data = data[n:]
		if err != nil {
			p.detach(to)
			to.failed <- err
		}
	}
	p.discard(len(data))
}

// discard counts n bytes without a connection, and reports the first ones.
func (p *port) discard(n int) {
	if n == 0 {
		return
	}
	p.relay.counters.discarded.Add(int64(n))
	if sum := p.relay.discarded.Add(int64(n)); sum == int64(n) {
		p.relay.report(Event{State: StateDiscarding, Name: p.name, Discarded: sum})
	}
}

// attach makes a connection receive the data from now on.
func (p *port) attach(conn net.Conn) *outlet {
	to := &outlet{conn: conn, failed: make(chan error, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
	return to
}

// detach ends attach, unless another connection has taken over.
func (p *port) detach(to *outlet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.to == to {
		p.to = nil
	}
}

// context returns a context that is done when ctx is or the port has ended.
func (p *port) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-p.ended:
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// endedOr returns a *portError if the port has ended, and otherwise err.
func (p *port) endedOr(err error) error {
	select {
	case <-p.ended:
		return &portError{err: p.err}
	default:
		return err
	}
}

// close closes the line. It waits at most for the time of Drain, since close(2)
// of a tty waits for data that the hardware cannot send.
func (p *port) close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		p.line.Close()
		<-p.ended
	}()
	timer := time.NewTimer(p.relay.drainTime())
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
}
