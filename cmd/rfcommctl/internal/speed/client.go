package speed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// greetingTime is the time in which a server must send its greeting.
const greetingTime = 10 * time.Second

// ErrNoServer is matched if the other end is not a server.
var ErrNoServer = errors.New("the other end is not a speed server")

// A Client measures a connection to a server. Its methods are called one after the
// other.
type Client struct {
	peer   *peer
	pings  uint64
	server Greeting
}

// NewClient waits for the greeting of the server and returns a Client. The
// connection is closed when the context ends. The packet is the number of bytes in
// the longest packets of the adapter, or 0.
func NewClient(ctx context.Context, conn net.Conn, packet int) (*Client, error) {
	p := newPeer(ctx, conn, greetingTime)
	server, err := readGreeting(p.r)
	if err == nil {
		p.silence = Silence
		p.timer.Reset(Silence)
		err = p.write([]byte(Greeting{version, packet}.text()))
	} else if ctx.Err() == nil {
		err = noServer(err)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return &Client{peer: p, server: server}, nil
}

// noServer returns an error for a missing greeting.
func noServer(err error) error {
	switch silent, ok := errors.AsType[silentError](err); {
	case ok:
		return fmt.Errorf("%w: it sent nothing for %s", ErrNoServer, silent.after)
	case errors.Is(err, errNotGreeting):
		return fmt.Errorf("%w: it sends something else", ErrNoServer)
	case err == io.EOF:
		return fmt.Errorf("%w: it closed the connection", ErrNoServer)
	}
	return err
}

// Packet returns the number of bytes in the longest packets of the server's
// adapter, or 0.
func (c *Client) Packet() int { return c.server.Packet }

// Close closes the connection.
func (c *Client) Close() error { return c.peer.close() }

// Ping measures one round trip.
func (c *Client) Ping() (time.Duration, error) {
	c.pings++
	began := time.Now()
	if err := c.peer.send(kindPing, binary.BigEndian.AppendUint64(nil, c.pings)); err != nil {
		return 0, err
	}
	content, err := c.peer.expect(kindPong)
	if err == nil && binary.BigEndian.Uint64(content) != c.pings {
		err = errors.New("the server returned another ping")
	}
	return time.Since(began), err
}

// A Test describes a measurement of the throughput.
type Test struct {
	Send, Receive bool
	Duration      time.Duration // 0: until the context ends
	Interval      time.Duration // between reports
	// Report is called in intervals with the counts until then. Those of Send
	// are what the server has reported.
	Report func(Totals)
}

// period returns the time between two counts: there are several in an interval.
func (t *Test) period() time.Duration { return min(max(t.Interval/4, minPeriod), maxPeriod) }

// Run runs a test and returns its counts. If it returns an error, those are the
// counts until then, and the Client cannot be used again.
func (c *Client) Run(t Test) (Totals, error) {
	p := plan{t.Send, t.Receive, t.period()}
	if err := c.peer.send(kindRun, p.content()); err != nil {
		return Totals{}, err
	}
	if _, err := c.peer.expect(kindReady); err != nil {
		return Totals{}, err
	}
	m := newMeter()
	senders := c.peer.start(m, t.Send, t.Receive, p)
	r := &receiver{peer: c.peer, meter: m, plan: p}
	stop := func() error {
		err := senders.end()
		if err == nil {
			err = c.peer.send(kindEnd, m.count().content())
		}
		return err
	}
	return watch(&t, c.peer, r.run, stop, r.totals)
}

// endTime is the time after the duration of a test in which queued data must
// arrive.
const endTime = time.Minute

// errEndless means that the other end does not end a test.
var errEndless = fmt.Errorf("the test did not end within %s after its time", endTime)

// watch reports in intervals while receive runs. After the duration of the test it
// calls stop, which makes receive return.
func watch(t *Test, p *peer, receive, stop func() error, totals func() Totals) (Totals, error) {
	received, stopped := make(chan error, 1), make(chan error, 1)
	go func() { received <- receive() }()
	ticker := time.NewTicker(t.Interval)
	defer ticker.Stop()
	var over, late <-chan time.Time
	if t.Duration > 0 {
		over = time.After(t.Duration)
	}
	stopping := false
	begin := func() {
		if !stopping {
			stopping = true
			go func() { stopped <- stop() }()
		}
	}
	for {
		select {
		case <-ticker.C:
			t.Report(totals())
		case <-over:
			late = time.After(endTime)
			begin()
		case <-late:
			p.close()
			<-received
			begin()
			<-stopped
			return totals(), errEndless
		case err := <-received:
			if err != nil {
				p.close() // ends what stop waits for
			}
			begin()
			if failed := <-stopped; err == nil {
				err = failed
			}
			return totals(), err
		}
	}
}
