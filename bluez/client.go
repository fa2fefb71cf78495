package bluez

import (
	"context"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// A Client is a private connection to the system bus, over which a program uses
// bluetoothd. Its methods are safe for concurrent use. bluetoothd may start and
// end while a Client exists.
type Client struct {
	conn    *dbus.Conn
	socket  *busSocket
	events  *dispatcher
	exports *exports
	leases  *leases
	agents  agentSlot

	closed context.Context // ends with Close
	ended  context.Context // ends with Close, or when the bus closes the connection
	close  context.CancelCauseFunc
	end    context.CancelCauseFunc

	mu      sync.Mutex
	closing bool
	working sync.WaitGroup // counts the goroutines of background
}

// Connect connects to the system bus: to the address in the environment variable
// DBUS_SYSTEM_BUS_ADDRESS or, by default, to /run/dbus/system_bus_socket. The
// context limits Connect alone, not the Client.
//
// Connect succeeds if bluetoothd does not run, and does not start it. Calls then
// return an error that matches [ErrNoDaemon]. An error of Connect matches
// [ErrNoBus] or the error of the context. On systems other than Linux, it
// matches errors.ErrUnsupported.
func Connect(ctx context.Context) (*Client, error) {
	socket, err := dialBus(ctx)
	if err != nil {
		return nil, err
	}
	c := &Client{socket: socket, leases: newLeases()}
	c.closed, c.close = context.WithCancelCause(context.Background())
	c.ended, c.end = context.WithCancelCause(c.closed)
	c.events = newDispatcher(c.closed, func() { c.end(errBusEnded) })
	c.exports = newExports(c)
	stop := c.socket.limit(ctx)
	err = c.start(ctx)
	if !stop() && err == nil {
		err = ctx.Err() // which has ended the connection
	}
	if err != nil {
		c.Close()
		return nil, connectError(ctx, socket.address, err)
	}
	return c, nil
}

// start authenticates, subscribes to the signals of bluetoothd, and finds out
// whether bluetoothd runs.
func (c *Client) start(ctx context.Context) error {
	conn, err := dbus.NewConn(c.socket, dbus.WithSignalHandler(c.events), dbus.WithIncomingInterceptor(c.receive))
	if err != nil {
		return err
	}
	c.conn = conn
	if err := c.conn.Auth(authMethods()); err != nil {
		return authFailure(err)
	}
	if err := c.conn.Hello(); err != nil {
		return err
	}
	return c.subscribe(ctx)
}

// matchRules select the signals that the bus passes on.
var matchRules = []string{
	"type='signal',sender='" + busName + "',interface='" + busName + "',member='NameOwnerChanged',arg0='" + bluezName + "'",
	"type='signal',sender='" + bluezName + "'",
}

// subscribe asks for signals first and for the owner of bluetoothd's name
// second, so that it misses no change.
func (c *Client) subscribe(ctx context.Context) error {
	for _, rule := range matchRules {
		if call := c.send(ctx, busName, busPath, busName+".AddMatch", rule); call.Err != nil {
			return call.Err
		}
	}
	call := c.send(ctx, busName, busPath, busName+".GetNameOwner", bluezName)
	if call.Err != nil && !isNoOwner(call.Err) {
		return call.Err
	}
	owner, _ := argument[string](call.Body, 0)
	c.events.setOwner(call.ResponseSequence, owner)
	return nil
}

// Close ends the Temporaries of the Client, for which it takes at most 5 s if
// bluetoothd does not answer, and closes the connection, with which bluetoothd
// ends the registrations, discoveries and pending pairings of the Client. When
// Close returns, no callback runs any more, so a callback must not call Close.
// Close always returns nil.
func (c *Client) Close() error {
	c.leases.close()
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.close(errClosed)
	c.socket.Close() // first, as conn.Close waits for a Write that is stuck
	if c.conn != nil {
		c.conn.Close()
	}
	c.events.wait()
	c.exports.stop()
	c.working.Wait()
	return nil
}

// background runs f on a goroutine, for which Close waits. f must return soon
// after c.ended has ended.
func (c *Client) background(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		go f()
		return
	}
	c.working.Go(f)
}

// within calls f with a context that ends with the Client as well. f may use other
// connections; Close waits for it. If the Client has ended, an error of f is
// replaced by the cause, as an error of the operation.
func (c *Client) within(ctx context.Context, op, object string, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ended, cancel)()
	done := make(chan error, 1)
	c.background(func() { done <- f(ctx) })
	err := <-done
	if err != nil && c.ended.Err() != nil {
		return &Error{Op: op, Object: object, Err: context.Cause(c.ended)}
	}
	return err
}

// connectError returns the error of an attempt to connect to the bus.
func connectError(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		err = neterr.Context(ctx.Err())
	} else {
		err = explainBus(err)
	}
	return &Error{Op: "connect to the system bus at " + address, Err: err}
}
