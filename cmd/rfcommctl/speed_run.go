package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/airlink"
	"github.com/go-rfcomm/rfcomm/cmd/rfcommctl/internal/speed"
)

// A tester measures a connection: a speed.Client or a speed.EchoClient.
type tester interface {
	Ping() (time.Duration, error)
	Run(speed.Test) (speed.Totals, error)
	Packet() int
	Close() error
}

// A speedTest is one of the tests of a measurement.
type speedTest struct {
	name          string // send, receive, both or echo
	send, receive bool
}

// tests returns the tests that the flags ask for.
func (o *speedOptions) tests() []speedTest {
	all := []speedTest{{"send", true, false}, {"receive", false, true}, {"both", true, true}}
	switch {
	case o.echo:
		return []speedTest{{"echo", true, true}}
	case o.direction == "" && o.duration == 0:
		return all[2:]
	case o.direction == "":
		return all
	}
	for i, test := range all {
		if test.name == string(o.direction) {
			return all[i : i+1]
		}
	}
	return nil
}

// A measurement is one run of the command "speed". Its fields and methods are used
// by one goroutine.
type measurement struct {
	t       *tool
	o       *speedOptions
	ctx     context.Context
	dial    connectFunc
	began   time.Time
	conn    *speedConn // nil: not connected
	failed  error      // of the last attempt to connect
	shown   *speedScreen
	results speedResults
	samples []speedSample
	last    speed.Totals // at the end of the previous interval
	lastAt  time.Time
}

// A speedConn is a connection of a measurement.
type speedConn struct {
	tester
	monitor signalReader // nil: the signal is not known
	peer    string
	packet  int // of this end
}

// close closes the connection.
func (c *speedConn) close() {
	c.tester.Close()
	if c.monitor != nil {
		c.monitor.Close()
	}
}

// A signalReader reads the signal of a link.
type signalReader interface {
	Read(deadline time.Time) (airlink.Signal, error)
	Close() error
}

// A speedSample is what was measured in an interval.
type speedSample struct {
	test          string
	at            time.Duration // its end, since the beginning
	send, receive *speed.Count  // nil: not measured
	signal        *airlink.Signal
	gap           bool // there was no connection
}

// measureSpeed measures a connection and prints the results.
func (t *tool) measureSpeed(ctx context.Context, o *speedOptions, word string) error {
	dial, err := t.dialSpeed(ctx, o, word)
	if err != nil {
		return err
	}
	m := &measurement{t: t, o: o, ctx: ctx, dial: dial}
	if !o.json || t.columns == 0 {
		defer t.startGraph(m)()
	}
	m.shown.announce("Connecting to " + printable(cmp.Or(o.tcp, word)))
	conn, err := m.connect(ctx)
	m.shown.announce()
	if err != nil {
		return m.ended(err)
	}
	m.began = time.Now()
	m.connected(conn)
	if signal := m.signal(signalTime); signal != nil {
		m.results.signals = append(m.results.signals, *signal)
	}
	defer m.disconnect()
	err = m.run()
	m.shown.finish()
	if printed := m.finish(); err == nil {
		err = printed
	}
	return err
}

// run runs all tests. Its error is that of the context, or of the connection.
func (m *measurement) run() error {
	if err := m.roundTrips(); err != nil && !m.lost(err) {
		return m.ended(err)
	}
	tests := m.o.tests()
	each := (time.Duration(m.o.duration) - time.Since(m.began)) / time.Duration(len(tests))
	each = max(each, minInterval)
	if m.o.duration == 0 {
		each = 0
	}
	for _, test := range tests {
		if err := m.runTest(test, each); err != nil {
			return m.ended(err)
		}
	}
	if m.conn == nil {
		return m.failed
	}
	return nil
}

// ended returns the error of the context, if it has ended, or of the connection.
func (m *measurement) ended(err error) error {
	if m.ctx.Err() != nil {
		return context.Cause(m.ctx)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = tryAgainError{errors.New("the other end closed the connection during the test")}
	}
	return noSpeedServer(err)
}

// roundTrips measures round trips for a tenth of the time, but at most for 1 s.
func (m *measurement) roundTrips() error {
	const fewest, most = 10, 1000
	limit := time.Second
	if m.o.duration > 0 {
		limit = min(limit, time.Duration(m.o.duration)/10)
	}
	m.shown.announce("round trips …")
	for began := time.Now(); len(m.results.trips) < most && (time.Since(began) < limit || len(m.results.trips) < fewest); {
		took, err := m.conn.Ping()
		if err != nil {
			return err
		}
		m.results.trips = append(m.results.trips, took)
	}
	return nil
}

// runTest runs a test for a time or, if it is 0, until the context ends. With
// --keep, it connects again after a loss.
func (m *measurement) runTest(test speedTest, limit time.Duration) error {
	began := time.Now()
	left := func() time.Duration {
		if limit == 0 {
			return 0
		}
		return max(limit-time.Since(began), 1)
	}
	for {
		if m.conn == nil {
			if err := m.reconnect(test, left()); err != nil || m.conn == nil {
				return err
			}
		}
		err := m.runOnce(test, left())
		if err == nil || !m.lost(err) {
			return err
		}
	}
}

// runOnce runs a test over one connection.
func (m *measurement) runOnce(test speedTest, limit time.Duration) error {
	m.last, m.lastAt = speed.Totals{}, time.Now()
	totals, err := m.conn.Run(speed.Test{
		Send: test.send, Receive: test.receive, Duration: limit, Interval: time.Duration(m.o.interval.duration),
		Report: func(now speed.Totals) { m.report(test, now) },
	})
	if time.Since(m.lastAt) > time.Duration(m.o.interval.duration)/2 && err == nil {
		m.report(test, totals)
	}
	m.results.add(test, totals)
	return err
}

// report records and prints an interval.
func (m *measurement) report(test speedTest, now speed.Totals) {
	s := speedSample{test: test.name, signal: m.signal(time.Duration(m.o.interval.duration) / 2)}
	if test.send {
		count := now.Send.Sub(m.last.Send)
		s.send = &count
	}
	if test.receive {
		count := now.Receive.Sub(m.last.Receive)
		s.receive = &count
	}
	m.last, m.lastAt = now, time.Now()
	m.record(s)
}

// lost reports whether the measurement continues after an error: with --keep, if
// the connection was lost.
func (m *measurement) lost(err error) bool {
	if !m.o.keep || m.ctx.Err() != nil || errors.Is(err, speed.ErrNoEcho) {
		return false
	}
	m.disconnect()
	m.results.losses++
	m.failed = m.ended(err)
	reason := oneLine(m.failed.Error())
	if m.o.json {
		m.t.printSpeed(lostJSON{"lost", m.seconds(), reason})
	}
	m.t.warn("the connection is lost: %s; connecting again", reason)
	return true
}

// retryDelay is the pause between two attempts to connect again.
const retryDelay = time.Second

// An attempt is the result of an attempt to connect again.
type attempt struct {
	conn *speedConn
	err  error
}

// reconnect connects again. Without success, it returns when the time of the test
// has passed, unless that is 0, or with the error of the context. The intervals
// until then are gaps.
func (m *measurement) reconnect(test speedTest, limit time.Duration) error {
	var over <-chan time.Time
	if limit > 0 {
		over = time.After(limit)
	}
	ctx, cancel := context.WithCancel(m.ctx)
	attempts := make(chan attempt)
	var attempting sync.WaitGroup
	attempting.Go(func() { m.attempt(ctx, attempts) })
	defer attempting.Wait() // it prints details
	defer cancel()
	ticker := time.NewTicker(time.Duration(m.o.interval.duration))
	defer ticker.Stop()
	for {
		select {
		case <-m.ctx.Done():
			return context.Cause(m.ctx)
		case <-over:
			return nil
		case <-ticker.C:
			m.record(speedSample{test: test.name, gap: true})
		case a := <-attempts:
			if a.err == nil {
				m.connected(a.conn)
				return nil
			}
			m.failed = a.err
			m.t.detail("%v", a.err)
		}
	}
}

// attempt attempts to connect until it succeeds, or the context ends.
func (m *measurement) attempt(ctx context.Context, attempts chan<- attempt) {
	for {
		conn, err := m.connect(ctx)
		select {
		case attempts <- attempt{conn, err}:
		case <-ctx.Done():
			if err == nil {
				conn.close()
			}
			return
		}
		if err == nil {
			return
		}
		select {
		case <-time.After(retryDelay):
		case <-ctx.Done():
			return
		}
	}
}

// connect connects to the other end. The connection outlives the context.
func (m *measurement) connect(ctx context.Context) (*speedConn, error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	s := &speedConn{peer: conn.RemoteAddr().String(), packet: m.t.packetOf(conn)}
	if m.o.echo {
		s.tester = speed.NewEchoClient(m.ctx, conn)
	} else if s.tester, err = newSpeedClient(m.ctx, conn, s.packet); err != nil {
		return nil, fmt.Errorf("%s: %w", s.peer, err)
	}
	s.monitor = m.t.monitor(conn)
	return s, nil
}

// newSpeedClient is [speed.NewClient] with another type of its result.
func newSpeedClient(ctx context.Context, conn net.Conn, packet int) (tester, error) {
	return speed.NewClient(ctx, conn, packet)
}

// monitor returns a reader of the signal of a connection, or nil.
func (t *tool) monitor(conn net.Conn) signalReader {
	local, ok := conn.LocalAddr().(rfcomm.Addr)
	remote, also := conn.RemoteAddr().(rfcomm.Addr)
	if !ok || !also {
		return nil
	}
	monitor, err := t.openSignal(local.Device, remote.Device)
	if err != nil {
		t.detail("the signal is not known: %v", err)
		return nil
	}
	return monitor
}

// openSignal is that of newTool.
func openSignal(adapter, device rfcomm.BDAddr) (signalReader, error) {
	monitor, err := airlink.Open(adapter, device)
	if err != nil {
		return nil, err // not a nil *airlink.Monitor
	}
	return monitor, nil
}

// connected records and prints a new connection.
func (m *measurement) connected(conn *speedConn) {
	m.conn = conn
	if ceiling, ok := speed.CeilingOf(conn.packet, conn.Packet()); ok {
		m.results.ceiling = &ceiling
		m.results.assumed = conn.packet == 0 || conn.Packet() == 0
	}
	if m.o.json {
		m.t.printSpeed(connectedJSON{"connected", m.seconds(), conn.peer})
	}
	if m.results.losses > 0 {
		m.t.warn("connected again to %s", conn.peer)
	} else {
		m.t.note("Connected to %s", conn.peer)
	}
}

// disconnect closes the connection, if there is one.
func (m *measurement) disconnect() {
	if m.conn != nil {
		m.conn.close()
		m.conn = nil
	}
}

// signalTime is the time in which the controller must answer before a test.
const signalTime = 2 * time.Second

// signal reads the signal of the connection within a time. It returns nil if the
// signal is not known.
func (m *measurement) signal(within time.Duration) *airlink.Signal {
	if m.conn.monitor == nil {
		return nil
	}
	signal, err := m.conn.monitor.Read(time.Now().Add(min(signalTime, within)))
	if err != nil {
		m.t.detail("%v", err)
		return nil
	}
	return &signal
}

// seconds returns the time since the beginning.
func (m *measurement) seconds() float64 { return rounded(time.Since(m.began).Seconds()) }
