package bluez

import (
	"context"
	"sync"

	"github.com/godbus/dbus/v5"
)

// A Client is a private connection to the system bus, over which a program uses
// bluetoothd. Its methods are safe for concurrent use.
type Client struct {
	conn   *dbus.Conn
	socket *busSocket
	events *dispatcher
	calls  *handler
	leases *leases

	close      sync.Once
	mu         sync.Mutex
	closing    bool
	goroutines sync.WaitGroup
	ended      context.Context // ends with Close or with the connection
	end        context.CancelCauseFunc
}

// Connect connects to the system bus: to the address in the environment variable
// DBUS_SYSTEM_BUS_ADDRESS or, by default, to /run/dbus/system_bus_socket. It
// does not start bluetoothd, which may start and end later. The context limits
// Connect alone. On systems other than Linux, Connect returns
// errors.ErrUnsupported.
func Connect(ctx context.Context) (*Client, error) {
	socket, err := dialBus(ctx)
	if err != nil {
		return nil, err
	}
	c := &Client{socket: socket, leases: newLeases()}
	c.ended, c.end = context.WithCancelCause(context.Background())
	c.events = newDispatcher(func() { c.end(errBusEnded) })
	c.calls = newHandler(c)
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// start authenticates, subscribes to bluetoothd's signals, and finds out
// whether bluetoothd runs.
func (c *Client) start(ctx context.Context) error {
	restore := c.socket.limit(ctx)
	var err error
	c.conn, err = dbus.NewConn(c.socket, dbus.WithSignalHandler(c.events), dbus.WithIncomingInterceptor(c.receive))
	if err == nil {
		err = c.conn.Auth(authMethods())
	}
	if err == nil {
		err = c.conn.Hello()
	}
	restore()
	if err != nil {
		return connectError(ctx, c.socket.address, err)
	}
	return c.subscribe(ctx)
}

// matchRules select the signals that a Client receives. The bus lets any
// program send signals to another one, without a rule.
var matchRules = []string{
	"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'",
	"type='signal',sender='org.bluez'",
}

// subscribe asks for signals first and for the owner of bluetoothd's name
// second, so that no change is missed.
func (c *Client) subscribe(ctx context.Context) error {
	for _, rule := range matchRules {
		if call := c.send(ctx, busName, busPath, busName+".AddMatch", rule); call.Err != nil {
			return convert(call, busPath, "AddMatch")
		}
	}
	call := c.send(ctx, busName, busPath, busName+".GetNameOwner", bluezName)
	var owner string
	switch err := call.Store(&owner); {
	case err == nil:
		c.events.setOwner(call.ResponseSequence, owner)
	case isNoOwner(err):
		c.events.setOwner(call.ResponseSequence, "")
	default:
		return convert(call, busPath, "GetNameOwner")
	}
	return nil
}

// Close ends the Temporaries of the Client, for which it takes at most 5 s if
// bluetoothd does not answer, and closes the connection. bluetoothd then forgets the registrations,
// discoveries and pending pairings of the Client. Close returns when no callback
// runs any more, so a callback must not call it.
func (c *Client) Close() error {
	c.close.Do(func() {
		c.leases.close()
		c.mu.Lock()
		c.closing = true
		c.mu.Unlock()
		c.end(errClosed)
		c.socket.Close() // first, since a Write that is stuck holds up conn.Close
		if c.conn != nil {
			c.conn.Close()
		}
	})
	c.events.stop()
	c.calls.stop()
	c.goroutines.Wait()
	return nil
}

// background runs f on a goroutine, for which Close waits. f must return soon
// after c.ended has ended.
func (c *Client) background(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		go f() // c.ended has ended
		return
	}
	c.goroutines.Go(f)
}
