package bluez

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
)

// maxChannel is the last RFCOMM channel.
const maxChannel = 30

// freeChannels are the channels that Listen tries, in this order. They are not
// defaults of bluetoothd's profiles (src/profile.c): a profile that is registered
// later listens on its default channel, and is not published if that is in use.
// The kernel gives the lowest free channel to programs that do not choose, so the
// lowest come last.
var freeChannels = []int{18, 19, 20, 21, 22, 23, 25, 26, 27, 28, 29, 30, 8, 5, 4, 2}

// listen listens on the channel or, if that is 0, on the first free one.
func (o *ListenOptions) listen(ctx context.Context) (*rfcomm.Listener, *reservation, error) {
	if o.Channel != 0 {
		return o.listenOn(ctx, o.Channel)
	}
	for _, channel := range freeChannels {
		listener, reserved, err := o.listenOn(ctx, channel)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return listener, reserved, err
		}
	}
	return nil, nil, fmt.Errorf("bluez: no channel is free beside the default channels of bluetoothd's profiles: close a listener, or set Channel to one of those: %w",
		syscall.EADDRINUSE)
}

// listenOn listens on a channel of all adapters and reserves it on the address of
// each.
func (o *ListenOptions) listenOn(ctx context.Context, channel int) (*rfcomm.Listener, *reservation, error) {
	config := rfcomm.ListenConfig{Security: o.Security}
	listener, err := config.ListenRFCOMM(ctx, rfcomm.Addr{Channel: channel})
	if err != nil {
		return nil, nil, err
	}
	adapters, err := rfcomm.Adapters()
	if err == nil {
		var addresses []rfcomm.BDAddr
		for _, a := range adapters {
			addresses = append(addresses, a.Addr)
		}
		reserved := newReservation(channel, reserve)
		if err = reserved.include(addresses); err == nil {
			return listener, reserved, nil
		}
		reserved.release()
	}
	listener.Close()
	return nil, nil, err
}

// A reservation keeps other programs from listening on a channel of single
// adapters, beside a listener on the channel of all adapters. A listener on the
// address of an adapter would receive the connections to that adapter
// (rfcomm_get_sock_by_channel). bluetoothd binds its profiles' listeners in this
// way, and the kernel permits it.
//
// A reservation is a socket that is bound, and does not listen: another socket
// cannot bind to the address (__rfcomm_get_listen_sock_by_addr), and connections
// go to the listener. It outlives the removal of the adapter.
type reservation struct {
	number int
	bind   func(rfcomm.Addr) (io.Closer, error)

	mu       sync.Mutex
	bound    map[rfcomm.BDAddr]io.Closer
	released bool
}

func newReservation(channel int, bind func(rfcomm.Addr) (io.Closer, error)) *reservation {
	return &reservation{number: channel, bind: bind, bound: make(map[rfcomm.BDAddr]io.Closer)}
}

// A takenError reports adapters on which other programs have the channel.
type takenError struct {
	channel  int
	adapters []rfcomm.BDAddr
}

func (e *takenError) Error() string {
	var names []string
	for _, a := range e.adapters {
		names = append(names, a.String())
	}
	return fmt.Sprintf("bluez: another program has channel %d of the adapter %s and receives the connections to it: "+
		"stop that program, or listen on another channel", e.channel, strings.Join(names, ", "))
}

func (e *takenError) Unwrap() error { return syscall.EADDRINUSE }

// include reserves the channel on further adapters. The error is a *takenError if
// other programs have it on some.
func (r *reservation) include(adapters []rfcomm.BDAddr) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := &takenError{channel: r.number}
	for _, a := range adapters {
		if r.bound[a] != nil || a.IsZero() || r.released {
			continue
		}
		socket, err := r.bind(rfcomm.Addr{Device: a, Channel: r.number})
		switch {
		case err == nil:
			r.bound[a] = socket
		case errors.Is(err, syscall.EADDRINUSE):
			taken.adapters = append(taken.adapters, a)
		default:
			return err
		}
	}
	if len(taken.adapters) > 0 {
		return taken
	}
	return nil
}

// release ends the reservation.
func (r *reservation) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.released = true
	for a, socket := range r.bound {
		socket.Close()
		delete(r.bound, a)
	}
}
