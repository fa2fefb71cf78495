package bluez

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
)

const (
	profileManager   = "org.bluez.ProfileManager1"
	profileInterface = "org.bluez.Profile1"
)

// A Profile is a service of this machine or a use of services of other devices
// whose connections bluetoothd makes and hands over. It is a [net.Listener] of
// these connections.
//
// Most programs do not need one. [Listen] publishes a service and accepts its
// connections without bluetoothd, and [Dial] connects to a service. A Profile is
// for a service whose connections bluetoothd must own, because a person decides
// on them by the agent, because the administrator's policy applies, or because
// bluetoothd has the service's record, and for programs that must connect by
// Device1.ConnectProfile.
//
// Close of a connection ends it, although bluetoothd keeps a duplicate of its
// descriptor. If bluetoothd requests a disconnection, as when a person
// disconnects the device, Read returns the received data and then io.EOF, as
// after a close of the peer; the connection must still be closed.
//
// If bluetoothd restarts, the Profile registers itself again, and Accept
// continues to wait.
type Profile struct {
	client  *Client
	options ProfileOptions
	path    dbus.ObjectPath // of our object
	queue   *connQueue
	state   state

	stop   func() // ends the registration's renewal
	remove func() // removes our object

	close   sync.Once     // by the caller
	over    sync.Once     // by the caller, or with the Client
	closed  chan struct{} // closed when the Profile has ended
	endedBy error         // set before closed is closed

	mu    sync.Mutex
	dials map[dbus.ObjectPath]*profileDial // pending calls of ConnectProfile, by device
	open  []openConn                       // connections handed over
}

// lastProfile numbers the objects of profiles.
var lastProfile atomic.Uint64

// RegisterProfile registers a profile with bluetoothd, for all adapters. The
// context limits the registration alone. Any user may register a profile; each
// UUID can be registered once on a machine. If it is already, the error matches
// [ErrRegistered]; the other program can be PipeWire, ofono or obexd.
//
// bluetoothd accepts a profile even if its channel is in use. RegisterProfile
// therefore checks that each adapter lists the service, and otherwise returns an
// error that matches [ErrNotPublished]. The check cannot see that if another
// program publishes the same service. It succeeds on a machine without an
// adapter, since one can be added later.
func (c *Client) RegisterProfile(ctx context.Context, o ProfileOptions) (*Profile, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("bluez: register a profile: %w", err)
	}
	if !c.socket.passing {
		return nil, &Error{Op: "register a profile", Err: errNoPassing}
	}
	p := &Profile{
		client:  c,
		options: o,
		path:    dbus.ObjectPath(fmt.Sprintf("/rfcomm/profile%d", lastProfile.Add(1))),
		queue:   newConnQueue(o.backlog()),
		state:   state{report: o.Report},
		closed:  make(chan struct{}),
		dials:   make(map[dbus.ObjectPath]*profileDial),
	}
	p.remove = c.export(p.path, profileInterface, p.methods())
	stop, err := c.keep(ctx, registration{register: p.register, again: adaptersChange, changed: p.changed})
	if err != nil {
		p.abandon(ctx)
		p.remove()
		return nil, p.failure(err)
	}
	p.stop = stop
	c.background(p.endWithClient)
	return p, nil
}

// endWithClient ends the Profile when the connection to the bus ends.
func (p *Profile) endWithClient() {
	select {
	case <-p.closed:
	case <-p.client.ended.Done():
		p.end(context.Cause(p.client.ended))
	}
}

// end wakes every Accept and Dial, and closes the connections in the queue.
func (p *Profile) end(cause error) {
	p.over.Do(func() {
		p.endedBy = cause
		close(p.closed)
		for _, conn := range p.queue.close(cause) {
			conn.Close()
		}
	})
}

// Close removes the profile from bluetoothd, together with its record, wakes
// every Accept and Dial, and closes the connections that were not accepted.
// Accepted connections stay open. When Close returns, Report is not called any
// more. If bluetoothd does not answer, Close gives up after 5 s.
func (p *Profile) Close() error {
	err := p.opError("close", net.ErrClosed)
	p.close.Do(func() {
		err = nil
		p.end(net.ErrClosed)
		p.stop()
		p.state.end()
		p.unregister()
		p.remove()
	})
	return err
}

// Err returns nil while bluetoothd has the profile, and otherwise the last error
// that [ProfileOptions].Report would receive. After Close it returns
// net.ErrClosed.
func (p *Profile) Err() error { return p.state.current() }

// Addr returns an [rfcomm.Addr] with the channel of the options, which is 0 if
// bluetoothd chooses one, and the zero device, since the profile is on all
// adapters.
func (p *Profile) Addr() net.Addr { return rfcomm.Addr{Channel: p.options.Channel} }

// Accept waits for the next connection, which is always an *[rfcomm.Conn]. See
// [Profile.AcceptRFCOMM].
func (p *Profile) Accept() (net.Conn, error) {
	conn, err := p.AcceptRFCOMM()
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// AcceptRFCOMM waits for the next connection that bluetoothd hands over, other
// than those that Dial returns: an incoming one, or an outgoing one that another
// program has asked bluetoothd for. Errors are *net.OpError. After Close of the
// Profile or the Client they match net.ErrClosed; if the bus ends the
// connection, [ErrNoBus].
//
// If the options require SecurityMedium, AcceptRFCOMM closes and skips a
// connection whose link is not encrypted or has ended.
func (p *Profile) AcceptRFCOMM() (*rfcomm.Conn, error) {
	for {
		conn, err := p.queue.take()
		if err != nil {
			return nil, p.opError("accept", err)
		}
		if p.options.protected(conn) {
			return conn, nil
		}
		conn.Close()
	}
}

func (p *Profile) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "rfcomm", Addr: p.Addr(), Err: err}
}
