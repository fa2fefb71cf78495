package bluez

import (
	"context"
	"iter"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// Changes returns an iterator over the properties of the device: those at first,
// and those after each change. If several properties change while the body of
// the loop runs, the loop receives the last state.
//
// An error ends the loop. It is the error of ctx, if that is done. It matches
// [ErrGone] if bluetoothd has removed the device, [ErrNoDaemon] if bluetoothd
// has ended, and net.ErrClosed if the Client is closed.
func (d *Device) Changes(ctx context.Context) iter.Seq2[DeviceProperties, error] {
	if ctx == nil {
		panic("nil context")
	}
	return func(yield func(DeviceProperties, error) bool) {
		w := &deviceWatch{of: d, changed: make(chan struct{}, 1), lost: make(chan error, 1)}
		stop, err := d.client().observe(ctx, w.apply)
		if err == nil {
			defer stop()
			err = w.run(ctx, yield)
		}
		if err != nil {
			yield(DeviceProperties{}, d.wrap("watch", err))
		}
	}
}

// A deviceWatch follows the properties of a device.
type deviceWatch struct {
	of      *Device
	changed chan struct{} // capacity 1; receives after a change
	lost    chan error    // capacity 1; receives the error that ends the loop

	mu     sync.Mutex
	device entry
}

// apply applies an event.
func (w *deviceWatch) apply(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ours := e.path == w.device.path
	switch {
	case e.kind == snapshot:
		found, err := tree(e.objects).findDevice(w.of.adapter.address, w.of.address)
		if err != nil {
			offer(w.lost, err)
		}
		w.device = entry{found.path, maps.Clone(found.values)}
		offer(w.changed, struct{}{})
	case e.kind == daemonGone:
		offer(w.lost, ErrNoDaemon)
	case e.kind == interfacesRemoved && ours && slices.Contains(e.removed, deviceInterface):
		offer(w.lost, ErrGone)
	case e.kind == propertiesChanged && ours && e.iface == deviceInterface:
		w.device.change(e.changed, e.invalidated)
		offer(w.changed, struct{}{})
	}
}

// run passes the properties to the body of the loop until it returns false. It
// returns the error to be passed after them.
func (w *deviceWatch) run(ctx context.Context, yield func(DeviceProperties, error) bool) error {
	var last DeviceProperties
	for c := w.of.client(); ; {
		var end error
		select {
		case <-w.changed:
		case end = <-w.lost:
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ended.Done():
			return context.Cause(c.ended)
		}
		if now := w.properties(); now.Address == w.of.address && !reflect.DeepEqual(now, last) {
			if last = now; !yield(now, nil) {
				return nil
			}
		}
		if end != nil {
			return end
		}
	}
}

func (w *deviceWatch) properties() DeviceProperties {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.device.device()
}

// wrap returns err as an Error of an operation of the device.
func (d *Device) wrap(op string, err error) error {
	if _, ok := err.(*Error); ok {
		return err
	}
	return &Error{Op: op, Object: d.address.String(), Err: neterr.Context(err)}
}
