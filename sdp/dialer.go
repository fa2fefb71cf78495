package sdp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/l2cap"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/paging"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

// A Dialer connects to services by their UUIDs. The zero value dials without
// options. Several goroutines may use a Dialer at once.
type Dialer struct {
	// RFCOMM makes the RFCOMM connection, with its options. Its LocalAddr,
	// Timeout and Deadline also apply to the search: the limits are for both
	// together. Security applies to the RFCOMM connection alone, since a search
	// needs no pairing. ControlContext is not called for the socket of the
	// search.
	//
	// At SecurityHigh, Dial does not use a link that its search has opened,
	// because package rfcomm requires that the dial opens the link itself. It
	// closes the SDP channel first and waits for the end of the link, which
	// takes about 2 s.
	RFCOMM rfcomm.Dialer

	// Select, if not nil, returns the record to dial: one of records, or nil if
	// none of them suits. The records are those of the service that have an
	// RFCOMM channel, at least one, in the device's order. By default, Dial
	// uses the first.
	Select func(records []*Record) *Record

	// FallbackChannel is the RFCOMM channel, 1 to 30, to dial if the search
	// finds no channel of the service: the device has no SDP server, hangs up,
	// does not answer the search or violates the protocol, or does not list the
	// service. Many simple serial adapters of that kind use channel 1. It is not
	// used if the device cannot be reached. If zero, Dial fails instead.
	FallbackChannel int
}

// Dial connects to a service of a device. It is short for [Dialer.Dial] of a
// zero Dialer.
func Dial(ctx context.Context, device rfcomm.BDAddr, service UUID) (*rfcomm.Conn, error) {
	return new(Dialer).Dial(ctx, device, service)
}

// Search returns records of a device. It is short for [Dialer.Search] of a zero
// Dialer.
func Search(ctx context.Context, device rfcomm.BDAddr, services ...UUID) ([]*Record, error) {
	return new(Dialer).Search(ctx, device, services...)
}

// Dial searches for a service, such as [SerialPort], of a device and connects to
// its RFCOMM channel. The SDP channel stays open until the RFCOMM connection is
// complete, so that the link does not end in between; SecurityHigh is the
// exception.
//
// Devices treat searches differently. Dial makes the following attempts until
// one of them yields a record with an RFCOMM channel:
//
//  1. It searches for service.
//  2. It searches for L2CAP, which is in the record of every RFCOMM service, and
//     looks for service in the records that it receives.
//  3. It uses FallbackChannel, if that is not zero.
//
// If an attempt fails together with its SDP channel, the next one opens another
// channel. If the device has closed the channel since the attempt before, the
// attempt is repeated on another channel. A device that does not answer an attempt takes [DefaultTimeout] each.
// If the device answers but does not offer service, the error is a
// *[NotFoundError] with the services that it does offer.
//
// If ctx is done, Dial returns at once, whatever it waits for. The other errors
// are those of [Connect], of [Client.Search], and of
// [rfcomm.Dialer.DialRFCOMM], all of them *[net.OpError].
func (d *Dialer) Dial(ctx context.Context, device rfcomm.BDAddr, service UUID) (*rfcomm.Conn, error) {
	ctx, cancel, err := d.begin(ctx, "dial", device, service)
	if err != nil {
		return nil, err
	}
	defer cancel()
	defer paging.Begin(ctx, d.RFCOMM.LocalAddr.Device)()
	f := d.finder(device)
	defer f.close()
	high := d.watchLink(ctx, device)
	return d.dial(ctx, f, device, service, func(channel int) (*rfcomm.Conn, error) {
		high.prepare(ctx, f)
		return d.dialRFCOMM(ctx, f.adapter, rfcomm.Addr{Device: device, Channel: channel})
	})
}

// Search returns the records of a device that contain all of the services, in
// the device's order. Without services, it returns all records: those that
// contain L2CAP, and those in the public browse group. The records have all of
// their attributes.
//
// Search makes the attempts 1 and 2 of [Dialer.Dial]. If the device answers but
// has no such record, Search returns no records and a nil error. Records that
// are malformed are left out; to see the error, use [Client.Search].
func (d *Dialer) Search(ctx context.Context, device rfcomm.BDAddr, services ...UUID) ([]*Record, error) {
	ctx, cancel, err := d.begin(ctx, "search", device, services...)
	if err != nil {
		return nil, err
	}
	defer cancel()
	f := d.finder(device)
	defer f.close()
	if len(services) == 0 {
		return f.browse(ctx)
	}
	found, _, err := f.find(ctx, services, func(*Record) bool { return true })
	return found, err
}

// begin checks the options and arguments of a call before anything is done for
// it, and returns its context.
func (d *Dialer) begin(ctx context.Context, op string, device rfcomm.BDAddr, services ...UUID) (context.Context, context.CancelFunc, error) {
	if ctx == nil {
		panic("nil context")
	}
	if err := d.check(device, services); err != nil {
		return nil, nil, dialerError(op, device, err)
	}
	ctx, cancel := redial.WithDeadline(ctx, d.RFCOMM.Timeout, d.RFCOMM.Deadline)
	if err := ctx.Err(); err != nil {
		cancel()
		return nil, nil, dialerError(op, device, neterr.Context(err))
	}
	return ctx, cancel, nil
}

// dialerError returns err as the error of a Dialer's operation.
func dialerError(op string, device rfcomm.BDAddr, err error) error {
	if inner, ok := err.(*net.OpError); ok {
		err = inner.Err
	}
	return &net.OpError{Op: op, Net: "l2cap", Addr: sdpAddr(device), Err: err}
}

// check checks the arguments. It leaves the check of the rfcomm.Dialer to
// DialRFCOMM, which makes it before it looks at its context.
func (d *Dialer) check(device rfcomm.BDAddr, services []UUID) error {
	if d.FallbackChannel < 0 || d.FallbackChannel > maxChannel {
		return fmt.Errorf("no such FallbackChannel: %d; RFCOMM has channels 1 to 30, and 0 means none", d.FallbackChannel)
	}
	if slices.Contains(services, UUID{}) {
		return errors.New("the UUID of a service is zero")
	}
	if len(services) > maxPatternUUIDs {
		return fmt.Errorf("search for %d UUIDs; there must be at most %d", len(services), maxPatternUUIDs)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.RFCOMM.DialRFCOMM(done, rfcomm.Addr{Device: device, Channel: minChannel}); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// finder returns the finder for a device, which has no channel yet.
func (d *Dialer) finder(device rfcomm.BDAddr) *finder {
	f := &finder{adapter: d.RFCOMM.LocalAddr.Device}
	f.connect = func(ctx context.Context) (*Client, error) {
		client, err := Connect(ctx, f.adapter, device)
		if err == nil {
			f.adapter = client.conn.LocalAddr().(l2cap.Addr).Device
		}
		return client, err
	}
	return f
}

// dialRFCOMM connects to a channel, from the adapter of the search.
func (d *Dialer) dialRFCOMM(ctx context.Context, adapter rfcomm.BDAddr, raddr rfcomm.Addr) (*rfcomm.Conn, error) {
	dialer := d.RFCOMM
	dialer.LocalAddr.Device = adapter
	dialer.Timeout, dialer.Deadline = 0, time.Time{} // ctx has them
	return dialer.DialRFCOMM(ctx, raddr)
}

// dial finds the channel of a service and calls dialRFCOMM with it.
func (d *Dialer) dial(ctx context.Context, f *finder, device rfcomm.BDAddr, service UUID, dialRFCOMM func(channel int) (*rfcomm.Conn, error)) (*rfcomm.Conn, error) {
	channel, err := d.findChannel(ctx, f, device, service)
	if err == nil {
		return dialRFCOMM(channel)
	}
	if !d.fallsBack(ctx, err) {
		return nil, err
	}
	conn, dialErr := dialRFCOMM(d.FallbackChannel)
	if e, ok := dialErr.(*net.OpError); ok {
		both := *e
		both.Err = &fallbackError{dial: e.Err, search: err}
		return nil, &both
	}
	return conn, dialErr
}

// findChannel returns the channel of a service.
func (d *Dialer) findChannel(ctx context.Context, f *finder, device rfcomm.BDAddr, service UUID) (int, error) {
	found, offered, err := f.find(ctx, []UUID{service}, hasChannel)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, &NotFoundError{Device: device, Service: service, Offered: offered}
	}
	chosen := found[0]
	if d.Select != nil {
		chosen = d.Select(slices.Clone(found))
	}
	if chosen == nil {
		return 0, &NotFoundError{Device: device, Service: service, Offered: found, Rejected: true}
	}
	channel, ok := chosen.Channel()
	if !ok {
		return 0, dialerError("dial", device, fmt.Errorf("record without an RFCOMM channel from Select: %s", describe(chosen)))
	}
	return channel, nil
}

func hasChannel(r *Record) bool {
	_, ok := r.Channel()
	return ok
}

// fallsBack reports whether FallbackChannel is to be dialed after the search has
// failed with err.
func (d *Dialer) fallsBack(ctx context.Context, err error) bool {
	if d.FallbackChannel == 0 || ctx.Err() != nil {
		return false
	}
	if missing, ok := errors.AsType[*NotFoundError](err); ok {
		return !missing.Rejected
	}
	return isOdd(ctx, err) || lacksServer(err)
}

// A fallbackError is the error of a dial of FallbackChannel.
type fallbackError struct {
	dial, search error
}

func (e *fallbackError) Error() string {
	return fmt.Sprintf("%v; FallbackChannel was dialed because the search failed: %v", e.dial, e.search)
}

func (e *fallbackError) Unwrap() []error { return []error{e.dial, e.search} }

// Timeout reports whether a deadline ended the dial.
func (e *fallbackError) Timeout() bool {
	t, ok := e.dial.(net.Error)
	return ok && t.Timeout()
}

// Temporary is the same as Timeout.
func (e *fallbackError) Temporary() bool { return e.Timeout() }
