package bluez

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/paging"
)

// Dial connects to the profile's service on a device by Device1.ConnectProfile:
// bluetoothd searches for the channel, connects, and hands the connection over.
// The device must be known to bluetoothd; discoveries of this process pause
// meanwhile. The profile must have RoleBoth or RoleClient.
//
// bluetoothd permits one connection of a profile to a device. While it is open,
// whichever side opened it, Dial returns an error that matches
// [ErrConnected]. Dial retries for up to 5 s while bluetoothd is about to
// notice that the connection was closed, or is busy with the device, as it is
// after pairing.
//
// When ctx ends, Dial returns its error at once. bluetoothd has no means to stop
// the call, which can take a minute; Dial closes its connection. Until the call
// has ended, another Dial to the device waits.
func (p *Profile) Dial(ctx context.Context, device *Device) (*rfcomm.Conn, error) {
	conn, err := p.dial(ctx, device)
	if err != nil {
		return nil, p.dialError(device, err)
	}
	return conn, nil
}

// dialError returns the error of Dial with its profile and device.
func (p *Profile) dialError(device *Device, err error) error {
	named := Error{Err: err}
	if e, ok := err.(*Error); ok {
		named = *e
	}
	named.Op = fmt.Sprintf("dial the profile %v of", p.options.remote())
	named.Object = device.Address().String()
	return &named
}

func (p *Profile) dial(ctx context.Context, device *Device) (*rfcomm.Conn, error) {
	if p.options.Role == RoleServer {
		return nil, errors.New("the profile has RoleServer; want RoleBoth or RoleClient")
	}
	object, err := device.object(ctx)
	if err != nil {
		return nil, err
	}
	end := paging.Begin(ctx, device.Adapter().Address())
	defer end()
	conn, err := retryProfile(ctx,
		func() (*rfcomm.Conn, error) { return p.dialOnce(ctx, object.path) },
		func() bool { return p.holds(object.path) })
	if err != nil {
		return nil, err
	}
	if !p.options.protected(conn) {
		conn.Close()
		return nil, fmt.Errorf("the link is not encrypted, or was lost: %w", syscall.EACCES)
	}
	return conn, nil
}

// The limits of a Dial that retries, like those of rfcomm.Dialer.
const (
	profileRetryFor   = 5 * time.Second
	profileFirstPause = 10 * time.Millisecond
	profileLastPause  = 500 * time.Millisecond
)

// retryProfile repeats attempts that failed because bluetoothd is busy with the
// device, or because it has not noticed yet that the last connection has ended.
func retryProfile[C any](ctx context.Context, attempt func() (C, error), holds func() bool) (C, error) {
	pause := profileFirstPause
	var since time.Time
	for {
		conn, err := attempt()
		again := errors.Is(err, ErrInProgress) || errors.Is(err, ErrConnected) && !holds()
		if since.IsZero() {
			since = time.Now()
		}
		if !again || time.Since(since)+pause > profileRetryFor {
			return conn, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return conn, &neterr.Interrupted{Last: err, Ended: neterr.Context(ctx.Err())}
		}
		pause = min(2*pause, profileLastPause)
	}
}

// A profileDial is a pending call of ConnectProfile. The lock of the Profile
// guards its fields.
type profileDial struct {
	result chan dialResult // capacity 1
	served bool            // the result was sent
	left   bool            // Dial does not wait any more
	over   chan struct{}   // closed when bluetoothd has answered
}

type dialResult struct {
	conn *rfcomm.Conn
	err  error
}

// serve passes the connection to Dial. It reports false if Dial does not wait.
func (d *profileDial) serve(conn *rfcomm.Conn) bool {
	if d.left {
		return false
	}
	d.served = true
	d.result <- dialResult{conn: conn}
	return true
}

// dialing reports whether a Dial to a device waits for its connection.
func (p *Profile) dialing(device dbus.ObjectPath) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.dials[device]
	return d != nil && !d.served
}

// dialOnce calls ConnectProfile and waits for the connection.
func (p *Profile) dialOnce(ctx context.Context, device dbus.ObjectPath) (*rfcomm.Conn, error) {
	d, err := p.reserve(ctx, device)
	if err != nil {
		return nil, err
	}
	p.client.background(func() { p.connect(device, d) })
	select {
	case r := <-d.result:
		return r.conn, r.err
	case <-ctx.Done():
		err = neterr.Context(ctx.Err())
	case <-p.closed:
		err = p.endedBy
	}
	if conn := p.leave(d); conn != nil {
		return conn, nil
	}
	return nil, err
}

// reserve waits until no call of ConnectProfile to the device is pending, and
// returns a new one.
func (p *Profile) reserve(ctx context.Context, device dbus.ObjectPath) (*profileDial, error) {
	for {
		select {
		case <-p.closed:
			return nil, p.endedBy
		default:
		}
		p.mu.Lock()
		pending := p.dials[device]
		if pending == nil {
			d := &profileDial{result: make(chan dialResult, 1), over: make(chan struct{})}
			p.dials[device] = d
			p.mu.Unlock()
			return d, nil
		}
		p.mu.Unlock()
		select {
		case <-pending.over:
		case <-ctx.Done():
			return nil, neterr.Context(ctx.Err())
		case <-p.closed:
			return nil, p.endedBy
		}
	}
}

// connect calls ConnectProfile. bluetoothd replies after NewConnection was
// answered (new_conn_reply in src/profile.c). If there was none before a reply
// without an error, the profile was connected already.
func (p *Profile) connect(device dbus.ObjectPath, d *profileDial) {
	_, err := p.client.call(context.Background(), device, deviceInterface+".ConnectProfile", p.options.remote().String())
	if err == nil {
		err = &Error{Op: "ConnectProfile", Object: describe(device), Err: ErrConnected}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.dials, device)
	close(d.over)
	if !d.served {
		d.served = true
		d.result <- dialResult{err: err}
	}
}

// leave makes the connection of a pending call be closed. If it has arrived,
// leave returns it.
func (p *Profile) leave(d *profileDial) *rfcomm.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.left = true
	select {
	case r := <-d.result:
		return r.conn
	default:
		return nil
	}
}
