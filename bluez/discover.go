package bluez

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/go-rfcomm/rfcomm/inquiry"
	"github.com/go-rfcomm/rfcomm/internal/paging"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// inquiryTime is the time for which the kernel inquires until it requests names
// (DISCOV_BREDR_INQUIRY_LEN), and the default duration.
const inquiryTime = 8 * 1280 * time.Millisecond

// opDiscover is the operation in errors, which the adapter follows.
const opDiscover = "discover devices with"

// DiscoverOptions are the options of [Adapter.Discover]. The zero value of each
// field is equivalent to a discovery without that option.
type DiscoverOptions struct {
	// Duration is the time to discover, not counting the wait for names that
	// follows and the time in which dials interrupt the discovery. The default
	// is 10.24 s. A negative Duration means no limit.
	Duration time.Duration

	// NoNameWait ends the discovery after Duration even if the names of devices
	// that have been found are not known. The wait takes up to 6 s for a device
	// that does not answer, in addition to the first 10.24 s of the discovery.
	// A name can be missing despite the wait: bluetoothd does not request it
	// again if the device does not answer, or if a link of the adapter ends
	// during the discovery.
	NoNameWait bool

	// MinRSSI is the minimum signal strength, from -127 to -1 dBm. Devices whose
	// signal strength is not known are then left out. The default is no
	// minimum.
	MinRSSI inquiry.RSSI

	// Services, if not empty, restricts the devices to those that are known to
	// have one of the services. Devices announce some or none of their services;
	// bluetoothd knows the rest of those that have been paired.
	Services []sdp.UUID

	// Prefix, if not empty, restricts the devices to those whose name, or
	// address in upper case, begins with it.
	Prefix string
}

// check returns an error if an option is invalid.
func (o *DiscoverOptions) check() error {
	if o.MinRSSI < -127 || o.MinRSSI > 0 {
		return fmt.Errorf("bluez: MinRSSI %d; it must be -127 to -1, or 0 for no minimum", int8(o.MinRSSI))
	}
	if slices.Contains(o.Services, sdp.UUID{}) {
		return errors.New("bluez: the UUID of a service to discover is zero")
	}
	return nil
}

// filter returns the filter for SetDiscoveryFilter. It leaves out the services,
// since bluetoothd compares them with those that the device announces, and not
// with those that it knows.
func (o *DiscoverOptions) filter() map[string]dbus.Variant {
	filter := map[string]dbus.Variant{"Transport": dbus.MakeVariant("bredr")}
	if o.MinRSSI != 0 {
		filter["RSSI"] = dbus.MakeVariant(int16(o.MinRSSI))
	}
	return filter
}

// matches reports whether a device is to be returned. bluetoothd merges the
// filters of all programs (merge_discovery_filters in src/adapter.c), so that
// devices arrive that none of our own filters permits.
func (o *DiscoverOptions) matches(d inquiry.Device, services []sdp.UUID) bool {
	if o.MinRSSI != 0 && d.RSSI < o.MinRSSI {
		return false
	}
	if o.Prefix != "" && !strings.HasPrefix(d.Name, o.Prefix) && !strings.HasPrefix(d.Addr.String(), o.Prefix) {
		return false
	}
	return len(o.Services) == 0 || slices.ContainsFunc(services, func(u sdp.UUID) bool { return slices.Contains(o.Services, u) })
}

// Discover returns an iterator over the devices in range. Each loop over it
// makes bluetoothd discover on behalf of the loop. A nil opts means the default
// options.
//
// The loop receives a device when the device first answers, and again when its
// name or class has changed or its RSSI becomes known. A loop body that takes
// long does not delay the discovery; if several facts about a device become
// known in the meantime, the loop receives the device once, with all of them.
// Devices that only support Bluetooth LE are left out as far as bluetoothd
// distinguishes them. Use [Adapter.Device] for a device that the loop has
// received.
//
// A dial of this process from the adapter, by [Dial] or packages sdp and rfcomm,
// stops the discovery first, in the body of the loop or in another goroutine.
// The discovery continues after the dial. If other programs discover as well,
// bluetoothd goes on for them, and devices that it has found for them before are
// received at once.
//
// When the loop ends, by break, by return or by a panic, the discovery stops. The
// loop waits until bluetoothd has confirmed that, for at most 2 s. If the process
// is killed, bluetoothd stops the discovery as well.
//
// An error ends the loop. Its Device is zero. It is the error of ctx, if that is
// done; use Duration to end the loop without an error. It matches [ErrPowerOff] if
// the adapter is switched off, [ErrNoAdapter] if it has been removed,
// [ErrNoDaemon] if bluetoothd has ended, and net.ErrClosed if the Client is
// closed.
func (a *Adapter) Discover(ctx context.Context, opts *DiscoverOptions) iter.Seq2[inquiry.Device, error] {
	if ctx == nil {
		panic("nil context")
	}
	if opts == nil {
		opts = new(DiscoverOptions)
	}
	o := *opts
	o.Services = slices.Clone(o.Services)
	return func(yield func(inquiry.Device, error) bool) {
		l, err := a.beginDiscovery(ctx, &o)
		if err != nil {
			yield(inquiry.Device{}, err)
			return
		}
		defer l.end()
		if err := l.run(yield); err != nil {
			yield(inquiry.Device{}, a.wrap(opDiscover, err))
		}
	}
}

// A discoverLoop connects a discovery with the loop over its devices.
type discoverLoop struct {
	ctx       context.Context // that of the caller
	discovery *discovery
	stop      context.CancelFunc
	done      chan struct{} // closed when the discovery has ended
	err       error         // of the discovery; set before done is closed
}

// beginDiscovery starts a discovery with a connection of its own to the bus:
// bluetoothd permits one discovery for each connection.
func (a *Adapter) beginDiscovery(ctx context.Context, o *DiscoverOptions) (*discoverLoop, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	var client *Client
	var d *discovery
	err := a.client.within(ctx, opDiscover, a.String(), func(ctx context.Context) (err error) {
		if client, err = Connect(ctx); err != nil {
			return err
		}
		if d, err = (&Adapter{client: client, address: a.address}).newDiscovery(ctx, o); err != nil {
			client.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return startDiscoverLoop(ctx, a.client, client, d), nil
}

// startDiscoverLoop runs a discovery with a client of its own until ctx is done
// or parent ends.
func startDiscoverLoop(ctx context.Context, parent, client *Client, d *discovery) *discoverLoop {
	running, stop := context.WithCancel(ctx)
	l := &discoverLoop{ctx: ctx, discovery: d, stop: stop, done: make(chan struct{})}
	keep := context.AfterFunc(parent.ended, stop)
	parent.background(func() {
		defer close(l.done)
		defer client.Close()
		defer keep()
		l.err = d.run(running)
		if parent.ended.Err() != nil {
			l.err = context.Cause(parent.ended)
		}
	})
	return l
}

// newDiscovery prepares a discovery with a Client that nobody else uses.
func (a *Adapter) newDiscovery(ctx context.Context, o *DiscoverOptions) (*discovery, error) {
	found, lost := newFoundTable(o), make(chan error, 1)
	devices := &discoverEvents{found: found, address: a.address, lost: lost}
	if _, err := a.client.observe(ctx, devices.apply); err != nil {
		return nil, err
	}
	adapter := devices.adapter.path
	if adapter == "" {
		return nil, <-lost
	}
	if _, err := a.client.do(ctx, opDiscover, adapter, adapterInterface+".SetDiscoveryFilter", o.filter()); err != nil {
		return nil, err
	}
	method := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := a.client.do(ctx, opDiscover, adapter, adapterInterface+name)
			return err
		}
	}
	return &discovery{
		start: method(".StartDiscovery"),
		stop:  method(".StopDiscovery"),
		radio: paging.Register(a.address),
		found: found,
		lost:  lost,
		left:  cmp.Or(o.Duration, inquiryTime),
		names: !o.NoNameWait,
	}, nil
}

// run passes the devices to the body of the loop until the discovery ends or the
// body returns false. It returns the error to be passed after them.
func (l *discoverLoop) run(yield func(inquiry.Device, error) bool) error {
	found := l.discovery.found
	for {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if device, ok := found.take(); ok {
			if !yield(device, nil) {
				return nil
			}
			continue
		}
		select {
		case <-found.queued:
		case <-l.ctx.Done():
		case <-l.done:
			if !found.empty() {
				continue
			}
			return l.err
		}
	}
}

// end stops the discovery and waits until bluetoothd has confirmed that.
func (l *discoverLoop) end() {
	l.stop()
	<-l.done
}
