package bluez

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// ListenOptions describe the service of [Listen]. The zero value is a serial port
// without a name.
type ListenOptions struct {
	// Service is the UUID by which devices find the service. The default is
	// sdp.SerialPort.
	Service sdp.UUID

	// Name is the name of the service, for people. It is UTF-8.
	Name string

	// Security is the protection that the link to a device must have; see
	// [rfcomm.ListenConfig]. It does not restrict which devices connect: if
	// bluetoothd has no agent, or one with NoInputNoOutput, a device without a
	// bond can have an encrypted link (SecurityMedium) without a question to
	// anyone. To serve only devices that were paired before, check
	// DeviceProperties.Bonded after Accept.
	Security rfcomm.Security

	// Channel is the RFCOMM channel, 1 to 30. If zero, Listen picks a free one
	// that is not a default of bluetoothd's profiles.
	Channel int

	// Record, if not nil, is published instead of a record with Service and
	// Name, which must then be zero. Listen sets the RFCOMM channel in its
	// protocol list; the channel that it has does not matter.
	Record *sdp.Record

	// Report, if not nil, is called when devices can no longer find or reach the
	// service, with the reason, and with nil when they can again; see
	// [PublishOptions]. It is also called if another program has the channel on
	// an adapter that is added later. Report must not call Close of the Listener.
	Report func(error)
}

// A Listener accepts the connections to a published service. It implements
// [net.Listener]: its methods may be called from several goroutines at once.
type Listener struct {
	listener    *rfcomm.Listener
	publication *Publication
	channel     *reservation
	close       sync.Once
	closeErr    error
}

// Listen listens on an RFCOMM channel of all adapters and makes bluetoothd publish
// the service, so that phones and other computers find it. It needs no
// privilege, and several programs can offer the same service. The context limits
// Listen alone; nil options mean the defaults.
//
//	listener, err := bluez.Listen(ctx, &bluez.ListenOptions{Name: "Thermometer"})
//
// A device that is not paired can connect at SecurityLow, the default. It finds
// the adapter while it is discoverable; see [Adapter.Discoverable].
//
// Listen reserves the channel on the address of each adapter until Close:
// bluetoothd listens there for its profiles, and would receive the connections
// to a channel that both have. If another program has the channel, the error
// matches EADDRINUSE. The other errors are those of [Publish] and of
// [rfcomm.ListenConfig.ListenRFCOMM].
func Listen(ctx context.Context, o *ListenOptions) (*Listener, error) {
	if o == nil {
		o = new(ListenOptions)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	listener, channel, err := o.listen(ctx)
	if err != nil {
		return nil, err
	}
	record, err := o.record(channel.number)
	if err == nil {
		l := &Listener{listener: listener, channel: channel}
		if l.publication, err = publish(ctx, record, o.Report, channel.include); err == nil {
			return l, nil
		}
	}
	channel.release()
	listener.Close()
	return nil, err
}

// check checks the options.
func (o *ListenOptions) check() error {
	if o.Record != nil && (o.Name != "" || o.Service != sdp.UUID{}) {
		return errors.New("bluez: a ListenOptions with a Record must have neither a Service nor a Name: set them in the Record")
	}
	if o.Channel < 0 || o.Channel > maxChannel {
		return fmt.Errorf("bluez: no RFCOMM channel %d: channels are 1 to %d, and 0 picks one", o.Channel, maxChannel)
	}
	record, err := o.record(max(1, o.Channel))
	if err != nil {
		return err
	}
	return checkRecord(record)
}

// record returns the record of the service on a channel.
func (o *ListenOptions) record(channel int) (*sdp.Record, error) {
	switch {
	case o.Record != nil:
		return withChannel(o.Record, channel)
	case o.Service == sdp.UUID{} || o.Service == sdp.SerialPort:
		return sdp.NewSerialPort(o.Name, channel), nil
	}
	return sdp.NewService(o.Service, o.Name, channel), nil
}

// Accept waits for the next connection, which is always a *[rfcomm.Conn]. See
// [rfcomm.Listener.AcceptRFCOMM].
func (l *Listener) Accept() (net.Conn, error) { return l.listener.Accept() }

// AcceptRFCOMM waits for the next connection. See [rfcomm.Listener.AcceptRFCOMM].
func (l *Listener) AcceptRFCOMM() (*rfcomm.Conn, error) { return l.listener.AcceptRFCOMM() }

// Addr returns the listener's address, an [rfcomm.Addr] with the channel and the
// zero Device.
func (l *Listener) Addr() net.Addr { return l.listener.Addr() }

// SetDeadline sets the deadline for future and pending calls of Accept. A zero
// value for t means that Accept does not time out.
func (l *Listener) SetDeadline(t time.Time) error { return l.listener.SetDeadline(t) }

// Err returns nil while devices can find and reach the service through every
// adapter of bluetoothd. See [Publication.Err].
func (l *Listener) Err() error { return l.publication.Err() }

// Close withdraws the record, so that devices no longer find the service, and
// then closes the channel. It wakes every Accept, which fails with an error that
// matches net.ErrClosed. Accepted connections stay open. See
// [Publication.Close] and [rfcomm.Listener.Close].
func (l *Listener) Close() error {
	l.close.Do(func() {
		l.publication.Close()
		l.channel.release()
		l.closeErr = l.listener.Close()
	})
	return l.closeErr
}
