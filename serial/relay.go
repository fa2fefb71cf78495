package serial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// defaultDrain is enough for a port at 9600 baud: the kernel's buffer of a port
// and a piece of data are 4 KiB each, which take 4.3 s.
const defaultDrain = 10 * time.Second

// A Relay joins a serial port to connections, one at a time, as a cable would: a
// Type II device of the Serial Port Profile. It copies data in both directions
// through buffers of fixed size. A side that accepts no data makes the other
// side wait.
//
//	relay := &serial.Relay{
//		Open:    func(context.Context) (serial.Line, error) { return serial.OpenLine("/dev/ttyUSB0", nil) },
//		Connect: func(ctx context.Context) (net.Conn, error) { return dialer.DialRFCOMM(ctx, addr) },
//	}
//	err := relay.Run(ctx)
//
// The port stays open between connections. Bytes that it sends during that time
// are discarded, because a peer that connects later would mistake them for
// current data.
//
// A Relay makes one call of Run or Serve at a time. Several Relays can run at
// once.
type Relay struct {
	// Open opens the port. It is called again after the port has failed, if
	// Keep is set. The Relay closes the port.
	Open func(ctx context.Context) (Line, error)

	// Connect makes the connection for Run, which closes it. Serve does not use
	// it.
	Connect func(ctx context.Context) (net.Conn, error)

	// Keep makes Run connect again after the end of a connection or a failed
	// attempt, and makes Run and Serve open the port again after a failure,
	// as when an adapter is unplugged. The delays before the attempts double
	// from 0.5 s to 30 s. The first Open is not repeated, because the name of
	// the port may be wrong.
	Keep bool

	// Lines joins the modem signals as well: DTR and RTS of the port follow
	// those of the peer, and the peer's DSR and CTS follow those of the port.
	// Without a connection, DTR and RTS of the port are cleared. Both the port
	// and the connection must implement ModemLines; otherwise Run and Serve
	// fail with an error that matches errors.ErrUnsupported. An RFCOMM
	// connection carries signals if it is a Port: see NewPort for Connect, and
	// PortListener for Serve. Linux carries neither RI nor CD to the peer.
	Lines bool

	// Drain limits the wait for pending data at the end of one side. After the
	// end of a connection, the port must accept each 4 KiB within this time, and
	// finally send everything within it. After the end of a port, the peer must
	// receive everything within it. Otherwise the rest is discarded. A port that
	// ends while the peer accepts no data is noticed when the peer accepts data
	// again or leaves. The default is 10 s, which suits ports of 9600 bits per
	// second and more.
	Drain time.Duration

	// Report, if not nil, is called for each Event, in order and by one
	// goroutine at a time. The Relay waits for its return.
	Report func(Event)

	counters  counters
	discarded atomic.Int64 // bytes since the last connection
	reports   sync.Mutex
}

// Run opens the port, then connects, and relays until one side ends. It returns
// nil if the peer closed the connection, or if the port ended with io.EOF and
// the peer has received its data. It returns the error of a port that failed, of
// an attempt to connect, or of a lost link, which matches the errno. With Keep,
// Run continues until ctx is done, or until an error matches net.ErrClosed or
// errors.ErrUnsupported, so that no later attempt can succeed.
//
// When ctx is done, Run closes both sides, discards data that has not left, and
// returns the cause of ctx.
func (r *Relay) Run(ctx context.Context) error {
	if r.Connect == nil {
		return errors.New("serial: Relay.Run without Connect")
	}
	return r.run(ctx, &relaying{Relay: r, connect: r.Connect, many: r.Keep, redial: true})
}

// Serve opens the port, accepts connections, and relays to one after the other.
// Further peers wait until the one before has disconnected; their data waits,
// too. If Accept fails, Serve retries after a delay, unless the error matches
// net.ErrClosed or errors.ErrUnsupported. It closes the listener before it
// returns.
//
// Serve returns the cause of ctx when ctx is done, an error that matches
// net.ErrClosed when the listener is closed, or, without Keep, the error of a
// port that failed (io.EOF if it only ended).
func (r *Relay) Serve(ctx context.Context, l net.Listener) error {
	a := &acceptor{listener: l}
	defer a.close()
	return r.run(ctx, &relaying{Relay: r, connect: a.accept, many: true})
}

// Stats returns the counts of all calls of Run and Serve so far. It may be
// called at any time.
func (r *Relay) Stats() Stats { return r.counters.stats() }

// run checks the fields and relays.
func (r *Relay) run(ctx context.Context, relaying *relaying) error {
	if r.Open == nil {
		return errors.New("serial: Relay without Open")
	}
	if r.Drain < 0 {
		return fmt.Errorf("serial: invalid Drain %v of a Relay, want a positive duration, or 0 for %v", r.Drain, defaultDrain)
	}
	err := relaying.run(ctx)
	r.report(Event{State: StateClosed, Err: err, Discarded: r.discarded.Swap(0)})
	return err
}

// drainTime returns Drain or its default.
func (r *Relay) drainTime() time.Duration {
	if r.Drain == 0 {
		return defaultDrain
	}
	return r.Drain
}

// report calls Report, one call at a time.
func (r *Relay) report(e Event) {
	if r.Report == nil {
		return
	}
	r.reports.Lock()
	defer r.reports.Unlock()
	r.Report(e)
}
