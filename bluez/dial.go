package bluez

import (
	"context"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/paging"
	"github.com/go-rfcomm/rfcomm/sdp"
)

// A Dialer connects to services of devices. The zero value dials without
// options. Several goroutines may use a Dialer at once.
type Dialer struct {
	// SDP searches for the service and connects, with its options.
	SDP sdp.Dialer
}

// Dial connects to a service of a device. It is short for [Dialer.Dial] of a
// zero Dialer.
func Dial(ctx context.Context, device rfcomm.BDAddr, service sdp.UUID) (*rfcomm.Conn, error) {
	return new(Dialer).Dial(ctx, device, service)
}

// Dial connects to a service, such as [sdp.SerialPort], of a device. It stops
// the discoveries of this process on the adapter, searches for the channel of
// the service, connects to it, and lets the discoveries continue.
//
// Dial uses sockets of the kernel: it works without bluetoothd and for devices
// that bluetoothd does not know, and the connection is not one of bluetoothd's
// profiles. If bluetoothd runs, its agents answer the questions of a pairing
// that the connection causes, and its keys are used. For a connection that
// bluetoothd must own, see [Profile.Dial].
//
// The errors are those of [sdp.Dialer.Dial].
func (d *Dialer) Dial(ctx context.Context, device rfcomm.BDAddr, service sdp.UUID) (*rfcomm.Conn, error) {
	if ctx == nil {
		panic("nil context")
	}
	defer paging.Begin(ctx, d.SDP.RFCOMM.LocalAddr.Device)()
	return d.SDP.Dial(ctx, device, service)
}
