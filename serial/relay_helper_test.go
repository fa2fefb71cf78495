package serial

import (
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A fakeLine is a port in memory. The other end is the instrument.
type fakeLine struct {
	net.Conn
	drain func() error // nil: nothing to wait for
}

// newLine returns a port and its instrument.
func newLine() (*fakeLine, net.Conn) {
	line, instrument := net.Pipe()
	return &fakeLine{Conn: line}, instrument
}

func (l *fakeLine) Name() string { return "/dev/ttyFAKE" }

func (l *fakeLine) Drain() error {
	if l.drain == nil {
		return nil
	}
	return l.drain()
}

// opens returns an Open for the given ports, one after the other, and then an
// error.
func opens(lines ...Line) func(context.Context) (Line, error) {
	return func(context.Context) (Line, error) {
		if len(lines) == 0 {
			return nil, errNoMore
		}
		line := lines[0]
		lines = lines[1:]
		return line, nil
	}
}

// connects returns a Connect for the given connections, one after the other.
// Then it waits for the context.
func connects(conns ...net.Conn) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		if len(conns) == 0 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		conn := conns[0]
		conns = conns[1:]
		return conn, nil
	}
}

// An endConn is a connection that ends with an error of its own.
type endConn struct {
	net.Conn
	err      error // instead of io.EOF
	shutdown func(context.Context) error
}

func (c *endConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF && c.err != nil {
		err = c.err
	}
	return n, err
}

func (c *endConn) Shutdown(ctx context.Context) error {
	defer c.Close()
	if c.shutdown == nil {
		return nil
	}
	return c.shutdown(ctx)
}

// A closedConn is a connection that the peer has closed: data that it sent before
// can be read.
type closedConn struct {
	net.Conn
	received io.Reader
}

func (c *closedConn) Read(p []byte) (int, error)  { return c.received.Read(p) }
func (c *closedConn) Write(p []byte) (int, error) { return 0, syscall.ECONNRESET }
func (c *closedConn) RemoteAddr() net.Addr        { return nil }
func (c *closedConn) Close() error                { return nil }

// A drainConn is a connection that can only drain, as a Port.
type drainConn struct {
	net.Conn
	drain   func() error
	expired chan struct{} // closed when the write deadline has passed
}

func (c *drainConn) Drain() error { return c.drain() }

func (c *drainConn) SetWriteDeadline(d time.Time) error {
	if d.Before(time.Now()) {
		close(c.expired)
	}
	return nil
}

// A pipeListener is a listener in memory.
type pipeListener struct {
	accepts chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func listenPipe() *pipeListener {
	return &pipeListener{accepts: make(chan net.Conn, 8), closed: make(chan struct{})}
}

// dial returns the client's end of a connection that waits to be accepted.
func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.accepts <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepts:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return nil }

// An eventLog collects the events of a Relay.
type eventLog struct {
	mu     sync.Mutex
	events []Event
}

func (l *eventLog) report(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// states returns the states so far.
func (l *eventLog) states() (states []State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		states = append(states, e.State)
	}
	return states
}

// of returns the events of one state.
func (l *eventLog) of(state State) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.events), func(e Event) bool { return e.State != state })
}

func (l *eventLog) wantStates(t *testing.T, want ...State) {
	t.Helper()
	if got := l.states(); !slices.Equal(got, want) {
		t.Errorf("the states are %v, want %v", got, want)
	}
}

// wantText reads a text from one end of a pipe.
func wantText(t *testing.T, from io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(from, got); string(got[:n]) != want {
		t.Fatalf("received %q, %v, want %q", got[:n], err, want)
	}
}

// send writes a text to one end of a pipe, which waits until it is read.
func send(t *testing.T, to io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(to, text); err != nil {
		t.Fatal(err)
	}
}

// A failingLine ends with an error instead of io.EOF.
type failingLine struct {
	*fakeLine
	err error
}

func (l *failingLine) Read(p []byte) (int, error) {
	n, err := l.fakeLine.Read(p)
	if err == io.EOF {
		err = l.err
	}
	return n, err
}

// A hangingLine is a port whose Close waits.
type hangingLine struct {
	*fakeLine
	until <-chan struct{}
}

func (l *hangingLine) Close() error {
	<-l.until
	return l.fakeLine.Close()
}
