package bluez

import (
	"context"
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
)

// An event is a change that bluetoothd or the bus reports.
type event struct {
	kind eventKind
	path dbus.ObjectPath // the object of the first three kinds

	added map[string]map[string]dbus.Variant // interfacesAdded: their properties

	removed []string // interfacesRemoved

	iface       string                  // propertiesChanged
	changed     map[string]dbus.Variant // the new values
	invalidated []string                // properties without a value from now on
}

type eventKind int

const (
	interfacesAdded eventKind = iota
	interfacesRemoved
	propertiesChanged
	daemonGone    // bluetoothd has left the bus, with all objects and registrations
	daemonStarted // bluetoothd is on the bus; its objects will be added
	busGone       // the bus closed the connection: the last event
)

// A dispatcher passes the signals of bluetoothd to watchers, in the order of
// the bus. It is the signal handler of the connection, whose methods the
// connection calls in that order.
type dispatcher struct {
	lost func() // called when the connection ends

	mu    sync.Mutex
	owner string        // bluetoothd's unique name; empty while it does not run
	since dbus.Sequence // of the last change of owner
	queue []queued
	woken chan struct{} // capacity 1
	over  bool

	done     chan struct{}
	stopped  chan struct{}
	stopOnce sync.Once

	delivery sync.Mutex // held while watchers run
	watchers []*watcher
}

type queued struct {
	event
	reached chan struct{} // instead of an event: closed when its turn has come
}

type watcher struct{ f func(event) }

func newDispatcher(lost func()) *dispatcher {
	d := &dispatcher{lost: lost, woken: make(chan struct{}, 1), done: make(chan struct{}), stopped: make(chan struct{})}
	go d.run()
	return d
}

// watch makes f receive the events from now on, in order and on one goroutine.
// f must not block, call stop, or call methods of bluetoothd. When stop has
// returned, f does not run any more.
func (c *Client) watch(f func(event)) (stop func()) {
	w := &watcher{f}
	d := c.events
	d.delivery.Lock()
	d.watchers = append(slices.Clone(d.watchers), w)
	d.delivery.Unlock()
	return func() {
		d.delivery.Lock()
		defer d.delivery.Unlock()
		d.watchers = slices.DeleteFunc(slices.Clone(d.watchers), func(other *watcher) bool { return other == w })
	}
}

// running reports whether bluetoothd is on the bus.
func (c *Client) running() bool {
	c.events.mu.Lock()
	defer c.events.mu.Unlock()
	return c.events.owner != ""
}

// DeliverSignal receives a signal from the connection.
func (d *dispatcher) DeliverSignal(iface, member string, signal *dbus.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if signal.Sender == busName {
		if iface == busName && member == "NameOwnerChanged" {
			d.changeOwner(signal)
		}
		return
	}
	if d.owner == "" || signal.Sender != d.owner {
		return // any program may send signals to any other
	}
	if e, ok := parseSignal(signal); ok {
		d.enqueue(queued{event: e})
	}
}

// changeOwner records a change of the owner of bluetoothd's name.
func (d *dispatcher) changeOwner(signal *dbus.Signal) {
	var name, before, after string
	if dbus.Store(signal.Body, &name, &before, &after) != nil || name != bluezName {
		return
	}
	if d.owner != "" {
		d.enqueue(queued{event: event{kind: daemonGone}})
	}
	d.owner, d.since = after, signal.Sequence
	if after != "" {
		d.enqueue(queued{event: event{kind: daemonStarted}})
	}
}

// setOwner sets the owner of bluetoothd's name as of a reply of the bus.
func (d *dispatcher) setOwner(sequence dbus.Sequence, owner string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sequence > d.since {
		d.owner = owner
	}
}

// isOwner reports whether a unique name is that of bluetoothd.
func (d *dispatcher) isOwner(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return name != "" && name == d.owner
}

// parseSignal returns the event of a signal of bluetoothd, if it has one.
func parseSignal(signal *dbus.Signal) (e event, ok bool) {
	e.path = signal.Path
	var err error
	switch signal.Name {
	case objectManager + ".InterfacesAdded":
		e.kind = interfacesAdded
		err = dbus.Store(signal.Body, &e.path, &e.added)
	case objectManager + ".InterfacesRemoved":
		e.kind = interfacesRemoved
		err = dbus.Store(signal.Body, &e.path, &e.removed)
	case properties + ".PropertiesChanged":
		e.kind = propertiesChanged
		err = dbus.Store(signal.Body, &e.iface, &e.changed, &e.invalidated)
	default:
		return event{}, false
	}
	return e, err == nil
}

// enqueue adds an item to the queue. The caller holds the lock.
func (d *dispatcher) enqueue(q queued) {
	d.queue = append(d.queue, q)
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// Terminate is called when the connection has been closed by either side.
func (d *dispatcher) Terminate() {
	d.lost()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.over = true
		d.owner = ""
		d.enqueue(queued{event: event{kind: busGone}})
	}
}

// await waits until the watchers have received all events so far.
func (d *dispatcher) await(ctx context.Context, sequence dbus.Sequence) error {
	reached := make(chan struct{})
	d.mu.Lock()
	d.enqueue(queued{reached: reached})
	d.mu.Unlock()
	select {
	case <-reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.stopped:
		return errClosed
	}
}

// run passes events to watchers until stop is called.
func (d *dispatcher) run() {
	defer close(d.stopped)
	for {
		select {
		case <-d.done:
			return
		case <-d.woken:
		}
		d.mu.Lock()
		queue := d.queue
		d.queue = nil
		d.mu.Unlock()
		for _, q := range queue {
			if q.reached != nil {
				close(q.reached)
				continue
			}
			if !d.deliver(q.event) {
				return
			}
		}
	}
}

// deliver passes an event to the watchers, unless stop has been called.
func (d *dispatcher) deliver(e event) bool {
	d.delivery.Lock()
	defer d.delivery.Unlock()
	for _, w := range d.watchers {
		select {
		case <-d.done:
			return false
		default:
			w.f(e)
		}
	}
	return true
}

// stop ends the goroutine, and returns when no watcher runs any more.
func (d *dispatcher) stop() {
	d.stopOnce.Do(func() { close(d.done) })
	<-d.stopped
}
