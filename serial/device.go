package serial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"sync"
)

// A Kind is a kind of device that other programs open.
type Kind int

const (
	Auto Kind = iota // a TTY if possible, otherwise a PTY
	TTY              // a node of the kernel's RFCOMM driver, such as /dev/rfcomm0
	PTY              // a pseudo terminal, such as /dev/pts/3
)

// String returns "auto", "tty" or "pty".
func (k Kind) String() string {
	switch k {
	case Auto:
		return "auto"
	case TTY:
		return "tty"
	case PTY:
		return "pty"
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// DeviceOptions are the options of [Open].
type DeviceOptions struct {
	// Connect returns a new connection, which the Device then owns. It dials or
	// accepts. It must not be nil. Open calls it once, and with Keep it is called
	// again after each connection; the calls are never concurrent. Any net.Conn
	// can be a PTY. A TTY needs an [*rfcomm.Conn].
	Connect func(ctx context.Context) (net.Conn, error)

	// Kind is the kind of the device. The default is Auto: a TTY if Connect
	// returns an [*rfcomm.Conn], the peer has not sent data yet, Hold is zero,
	// and this process can open the node; otherwise a PTY. A Device that is a
	// PTY remains one. A Device that is a TTY can become a PTY with the next
	// connection.
	//
	// As soon as a TTY is opened, the kernel may echo data to the peer that the
	// peer has sent before. Specify TTY only if that does no harm.
	Kind Kind

	// Link is the path of a symbolic link to the device. The link replaces
	// another link only if a killed process has left it: one to a device that no
	// longer exists. It is removed at the end. If Link is empty, the path of the
	// device changes with each connection.
	Link string

	// Mode specifies the permission bits of a PTY. If they include any for the
	// group, the PTY gets the group of the process. The default is 0600. The
	// permissions of a TTY are set by udev.
	Mode fs.FileMode

	// Hold is the maximum number of bytes that are held for the next connection
	// if programs write them while the Device is not connected. Further bytes are
	// discarded. The default is to discard all. A TTY cannot hold data.
	Hold int

	// Keep makes the Device connect again, with increasing delays, when a
	// connection has ended. By default, the Device then ends as well.
	Keep bool

	// Report is called with each Event, in order and never concurrently. It must
	// not call Close or Wait. If nil, events are not reported.
	Report func(Event)
}

const defaultMode = 0o600

// check returns an error for invalid options.
func (o *DeviceOptions) check() error {
	switch {
	case o.Connect == nil:
		return errors.New("no function Connect")
	case o.Kind < Auto || o.Kind > PTY:
		return fmt.Errorf("invalid Kind %d; valid are Auto, TTY and PTY", int(o.Kind))
	case o.Mode&^fs.ModePerm != 0:
		return fmt.Errorf("invalid Mode %#o; valid are permissions from 0 to 0777", uint32(o.Mode))
	case o.Hold < 0:
		return fmt.Errorf("invalid Hold %d; valid are 0 and more", o.Hold)
	case o.Hold > 0 && o.Kind == TTY:
		return errors.New("a TTY cannot hold data; Hold needs a PTY")
	}
	return nil
}

// A Device is a connection that other programs open as a serial port. Programs
// may open and close it any number of times, and several may have it open at
// once. Received data waits until a program reads it; meanwhile, flow control
// stops the peer. The methods may be called from several goroutines at once.
//
// When the connection ends, programs are hung up: they read the end of the file
// or EIO, as from a modem that was unplugged. From a PTY they can first read the
// remaining data, until they have not read for 2 s. The kernel discards the
// remaining data of a TTY.
//
// With Keep, a program that opens the path again continues to work. Until the
// Device is connected again, a PTY can be opened, and discards or holds the data
// that programs write. A TTY does not exist during that time.
//
// Data that a program has written may be lost with the connection, even if the
// write succeeded.
type Device struct {
	options DeviceOptions
	link    *link // nil without Link
	outlet  deviceOutlet
	counters

	ctx   context.Context // done once Close is called
	close context.CancelFunc
	done  chan struct{} // closed at the end
	err   error         // valid once done is closed

	reporting sync.Mutex // held while Report is called

	mu       sync.Mutex
	node     string
	nodeKind Kind
}

// Open connects and presents the connection as a device. It fails if the first
// attempt to connect fails; the context applies to that attempt and to the
// creation of the device. On failure nothing remains. Open is available on Linux
// only; otherwise the error matches [errors.ErrUnsupported].
//
// If Kind is Auto and the kernel's node turns out to be unusable only after the
// connection has been handed to the kernel, Open calls Connect a second time.
func Open(ctx context.Context, o *DeviceOptions) (*Device, error) {
	d, err := newDevice(o)
	if err != nil {
		return nil, fmt.Errorf("serial: %w", err)
	}
	n, err := d.begin(ctx)
	if err != nil {
		d.cleanUp()
		return nil, fmt.Errorf("serial: %w", err)
	}
	go d.run(n)
	return d, nil
}

// newDevice returns a Device that has claimed its link.
func newDevice(o *DeviceOptions) (*Device, error) {
	if o == nil {
		return nil, errors.New("no options")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := checkPlatform(); err != nil {
		return nil, err
	}
	d := &Device{options: *o, done: make(chan struct{})}
	if d.options.Mode == 0 {
		d.options.Mode = defaultMode
	}
	d.outlet = deviceOutlet{limit: o.Hold, counters: &d.counters, discarding: d.reportDiscarding}
	if o.Link != "" {
		path, err := filepath.Abs(o.Link)
		if err != nil {
			return nil, err
		}
		if d.link, err = claimLink(path); err != nil {
			return nil, err
		}
	}
	d.ctx, d.close = context.WithCancel(context.Background())
	return d, nil
}

// Name returns the path by which programs open the device: Link if specified,
// otherwise that of the node.
func (d *Device) Name() string {
	if d.link != nil {
		return d.link.path
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.node
}

// Node returns the path of the node, such as "/dev/pts/3" or "/dev/rfcomm0". It
// changes with each connection.
func (d *Device) Node() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.node
}

// Kind returns the kind of the device, TTY or PTY.
func (d *Device) Kind() Kind {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nodeKind
}

// Stats returns the counts since Open. They exclude the bytes of a TTY, which do
// not pass through this process.
func (d *Device) Stats() Stats { return d.counters.stats() }

// Done returns a channel that is closed when the Device has ended.
func (d *Device) Done() <-chan struct{} { return d.done }

// Wait waits until the Device has ended, and returns the cause: nil after Close,
// io.EOF if the peer has closed the connection, the error of a lost connection,
// as the connection's Read returns it, or the error of an attempt to connect
// that cannot succeed later, such as net.ErrClosed of a listener.
func (d *Device) Wait() error {
	<-d.done
	return d.err
}

// Close waits up to 1 s until the data that programs have written is sent, closes
// the connection, hangs up programs, and removes the device and its link. The
// node of a TTY disappears when the last program closes it. Close returns nil. It
// may be called several times.
//
// Close cannot hang up a TTY that is the controlling terminal of another
// session, such as a login. The connection then ends with that session.
func (d *Device) Close() error {
	d.close()
	<-d.done
	return nil
}

// report calls the callback.
func (d *Device) report(e Event) {
	if d.options.Report == nil {
		return
	}
	d.reporting.Lock()
	defer d.reporting.Unlock()
	e.Name, e.Node, e.Kind = d.Name(), d.Node(), d.Kind()
	d.options.Report(e)
}

func (d *Device) reportDiscarding(n int64) {
	d.report(Event{State: StateDiscarding, Discarded: n})
}

// end ends the Device.
func (d *Device) end(err error) {
	if d.ctx.Err() != nil { // Close was called
		err = nil
	}
	d.cleanUp()
	d.report(Event{State: StateClosed, Err: err, Discarded: d.outlet.takeRest()})
	d.err = err
	close(d.done)
}

// cleanUp removes the link and ends the context.
func (d *Device) cleanUp() {
	d.close()
	if d.link != nil {
		d.link.release()
	}
}
