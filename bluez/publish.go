package bluez

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// ErrNotPublished means that bluetoothd has accepted a record and does not publish
// it.
var ErrNotPublished = errors.New("bluetoothd has accepted the record and does not publish it: " +
	"see its log; it publishes no record if ControllerMode in /etc/bluetooth/main.conf is le")

// PublishOptions change how [Publish] works.
type PublishOptions struct {
	// Report, if not nil, is called when the state of the publication changes:
	// with an error when the record is no longer published on every adapter, and
	// with nil when it is again. The calls are in order and never concurrent.
	// Report must not call Close of the Publication.
	Report func(error)
}

// A Publication is a record that bluetoothd publishes for this program.
type Publication struct {
	client *Client
	record *sdp.Record
	real   *registeredRecord // publishes the record
	check  *registeredRecord // publishes the record for a moment, with marker
	marker sdp.UUID          // a class that no other record has

	// inspect, if not nil, is called with the addresses of bluetoothd's adapters
	// whenever an adapter was added or removed. Its error becomes the state.
	inspect func([]rfcomm.BDAddr) error

	state    state
	stop     func()
	patience time.Duration // limits the wait of Close
	close    sync.Once
}

// Publish makes bluetoothd publish a service record, such as that of
// [sdp.NewSerialPort], on all adapters until Close or the end of the process. It
// needs no privilege and no option of bluetoothd. Several programs can publish
// the same service. The context limits Publish alone; nil options mean the
// defaults.
//
// The program listens on the channel in the record itself; [Listen] does both.
// bluetoothd does not take part in the connections: it neither asks its agent
// whether to accept a connection nor applies the Trusted property of the device.
//
// bluetoothd accepts a record even if it then publishes nothing. Publish
// therefore verifies that the record appears on each adapter, and otherwise
// returns an error that matches [ErrNotPublished]. To distinguish the record
// from those of other programs with the same service, it publishes a second
// record for some milliseconds. That one has the same content, and a random
// UUID as its first service class, which bluetoothd lists for each adapter.
//
// The publication survives a restart of bluetoothd, and includes adapters that
// are added later. It ends with the system bus: the report then matches
// [ErrNoBus]. See [PublishOptions.Report].
//
// The record must be valid, as for [sdp.Server.Add]. Publish ignores its handle,
// since bluetoothd assigns one on each adapter. bluetoothd alters URLs that are not
// printable ASCII, and leaves records out of long answers; such URLs and records
// of more than 16 KiB are refused. Only a record whose BrowseGroupList contains [sdp.PublicBrowseRoot] is found by
// programs that list all services of a device.
//
// If bluetoothd does not run, the error matches [ErrNoDaemon]. If it has no
// adapter, the error matches [ErrNoAdapter]; an adapter that is powered off
// counts. The other errors are those of [Connect]. On other platforms than Linux, the
// error matches errors.ErrUnsupported.
func Publish(ctx context.Context, record *sdp.Record, o *PublishOptions) (*Publication, error) {
	if o == nil {
		o = new(PublishOptions)
	}
	return publish(ctx, record, o.Report, nil)
}

// publish is Publish with a function for Publication.inspect.
func publish(ctx context.Context, record *sdp.Record, report func(error), inspect func([]rfcomm.BDAddr) error) (*Publication, error) {
	if err := checkRecord(record); err != nil {
		return nil, err
	}
	client, err := Connect(ctx)
	if err != nil {
		return nil, err
	}
	p := newPublication(client, record, report, inspect)
	p.stop, err = client.keep(ctx, registration{register: p.register, again: adaptersChange, changed: p.changed})
	if err != nil {
		client.Close()
		return nil, p.failure(err)
	}
	return p, nil
}

func newPublication(client *Client, record *sdp.Record, report func(error), inspect func([]rfcomm.BDAddr) error) *Publication {
	record = record.Clone()
	record.Delete(sdp.AttributeServiceRecordHandle)
	marker := randomUUID()
	return &Publication{
		client:  client,
		record:  record,
		real:    newRegisteredRecord(client, "/publication", record),
		check:   newRegisteredRecord(client, "/check", markedRecord(record, marker)),
		marker:  marker,
		inspect: inspect,
		state:   state{report: report},

		patience: unregisterTime,
	}
}

// Err returns nil while the record is published on every adapter of bluetoothd,
// and otherwise the last error that [PublishOptions.Report] would receive.
// After Close it returns net.ErrClosed.
func (p *Publication) Err() error { return p.state.current() }

// Close withdraws the record. When it returns, devices no longer find the
// record, unless bluetoothd has not answered for 5 s: in this case it withdraws
// the record as soon as it notices that the connection to it has ended. Close
// always returns nil.
func (p *Publication) Close() error {
	p.close.Do(func() {
		p.stop()
		p.state.end()
		ctx, cancel := context.WithTimeout(context.Background(), p.patience)
		defer cancel()
		p.real.unregister(ctx)
		p.client.Close()
	})
	return nil
}

// changed receives the state from keep, and passes it on if it is news.
func (p *Publication) changed(err error) { p.state.set(p.failure(err)) }

// failure returns the error for the caller: with the name of the service, unless
// the service is published and devices cannot reach it. Calls fail in several
// ways while bluetoothd ends, which makes no difference here.
func (p *Publication) failure(err error) error {
	var failed *Error
	if !errors.As(err, &failed) {
		return err
	}
	named := *failed
	if errors.Is(err, ErrNoDaemon) {
		named = Error{Err: ErrNoDaemon}
	}
	named.Op = "publish the service " + serviceName(p.record)
	return &named
}

// serviceName returns the name of a service, escaped, or else its class.
func serviceName(record *sdp.Record) string {
	if name := record.Name(); name != "" {
		return fmt.Sprintf("%q", name)
	}
	class := record.Classes()[0]
	if name := class.Name(); name != "" {
		return name
	}
	return class.String()
}

// adaptersChange reports whether an event adds or removes an adapter.
func adaptersChange(e event) bool {
	if _, added := e.added[adapterInterface]; added {
		return true
	}
	for _, removed := range e.removed {
		if removed == adapterInterface {
			return true
		}
	}
	return false
}
