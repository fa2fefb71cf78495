package rfcommtest

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// maxChannel is the largest RFCOMM channel.
const maxChannel = 30

// Connect makes an RFCOMM connection between the adapters of the two
// controllers, and returns both ends. The first controller given to
// [Radio.Link] dials, and the second one listens, on a channel of its adapter
// that no program uses. The ends are connections of the kernel, without a
// required security level.
//
// The errors match those of [rfcomm.Dialer.DialRFCOMM] and
// [rfcomm.ListenConfig.ListenRFCOMM]. Connect returns an error if a controller is
// unplugged or belongs to a [Device].
func (l *Link) Connect(ctx context.Context) (dialed, accepted *rfcomm.Conn, err error) {
	for _, c := range l.controllers {
		c.mu.Lock()
		err := c.usable()
		c.mu.Unlock()
		if err != nil {
			return nil, nil, err
		}
	}
	from, to := l.controllers[0], l.controllers[1]
	dialed, accepted, err = l.connect(ctx, from.Addr(), to.Addr())
	if err != nil {
		return nil, nil, fmt.Errorf("rfcommtest: connect %s to %s: %w", from.Addr(), to.Addr(), err)
	}
	return dialed, accepted, nil
}

func (l *Link) connect(ctx context.Context, from, to rfcomm.BDAddr) (dialed, accepted *rfcomm.Conn, err error) {
	listener, err := l.radio.listen(ctx, to)
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	d := rfcomm.Dialer{LocalAddr: rfcomm.Addr{Device: from}}
	dialed, err = d.DialRFCOMM(ctx, listener.Addr().(rfcomm.Addr))
	if err != nil {
		return nil, nil, err
	}
	accepted, err = acceptFrom(ctx, listener, from)
	if err != nil {
		dialed.Close()
		return nil, nil, err
	}
	return dialed, accepted, nil
}

// listen listens on a free channel of an adapter. The kernel keeps a channel
// busy for a moment after a connection has been closed, so each call begins
// with another channel. The first one is the highest, because programs usually
// have low ones.
func (r *Radio) listen(ctx context.Context, at rfcomm.BDAddr) (listener *rfcomm.Listener, err error) {
	var config rfcomm.ListenConfig
	for range maxChannel {
		channel := maxChannel - int(r.channels.Add(1)-1)%maxChannel
		listener, err = config.ListenRFCOMM(ctx, rfcomm.Addr{Device: at, Channel: channel})
		if !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	return nil, err
}

// acceptFrom returns the connection of one device, and closes those of others.
func acceptFrom(ctx context.Context, listener *rfcomm.Listener, from rfcomm.BDAddr) (*rfcomm.Conn, error) {
	stop := context.AfterFunc(ctx, func() { listener.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		conn, err := listener.AcceptRFCOMM()
		if err != nil {
			return nil, err
		}
		if conn.RemoteAddr().(rfcomm.Addr).Device == from {
			return conn, nil
		}
		conn.Close()
	}
}
