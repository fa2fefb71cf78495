package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

// A bondedListener accepts connections of devices whose key bluetoothd stores.
// An encrypted link is not enough for a command: without an agent, or with one
// that cannot ask, the kernel pairs a stranger for the time of the link.
type bondedListener struct {
	net.Listener
	ctx     context.Context
	bonded  bondedFunc
	refused func(device rfcomm.BDAddr, reason error)
}

// A bondedFunc reports whether an adapter has a stored key of a device.
type bondedFunc func(ctx context.Context, adapter, device rfcomm.BDAddr) (bool, error)

// Accept implements [net.Listener]. It closes the connections of other devices.
func (l *bondedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		reason := l.admit(conn)
		if reason == nil {
			return conn, nil
		}
		device, _ := conn.RemoteAddr().(rfcomm.Addr)
		l.refused(device.Device, reason) // before the device sees the end
		conn.Close()
	}
}

// bondedTime is the time that bluetoothd has to answer.
const bondedTime = 5 * time.Second

// admit returns an error if the device of a connection is not bonded. Without
// bluetoothd, no bonds are known, and the encryption has to do.
func (l *bondedListener) admit(conn net.Conn) error {
	local, ok := conn.LocalAddr().(rfcomm.Addr)
	remote, also := conn.RemoteAddr().(rfcomm.Addr)
	if !ok || !also {
		return errors.New("it is not a Bluetooth device")
	}
	ctx, cancel := context.WithTimeout(l.ctx, bondedTime)
	defer cancel()
	bonded, err := l.bonded(ctx, local.Device, remote.Device)
	switch {
	case errors.Is(err, bluez.ErrNoBus), errors.Is(err, bluez.ErrNoDaemon):
		return nil
	case err != nil:
		return err
	case !bonded:
		return fmt.Errorf("it is not paired: use rfcommctl pair %s, or serve every device with --security medium", remote.Device)
	}
	return nil
}

// bondedOnly returns a listener that accepts only bonded devices.
func (t *tool) bondedOnly(ctx context.Context, l net.Listener) net.Listener {
	return &bondedListener{l, ctx, t.bonded, func(device rfcomm.BDAddr, reason error) {
		if ctx.Err() == nil {
			t.complain(fmt.Errorf("%s is refused: %w", device, reason))
		}
	}}
}
