package bluez

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/godbus/dbus/v5"
)

// An event is a change that bluetoothd or the bus reports.
type event struct {
	kind     eventKind
	sequence dbus.Sequence   // its place among the messages of the bus
	path     dbus.ObjectPath // the object, for the first three kinds

	added       map[string]map[string]dbus.Variant // interfacesAdded: properties by interface
	removed     []string                           // interfacesRemoved
	iface       string                             // propertiesChanged
	changed     map[string]dbus.Variant            // propertiesChanged: the new values
	invalidated []string                           // propertiesChanged: those without a value
	owner       string                             // daemonGone, daemonStarted: its unique name
	objects     objectTree                         // snapshot
}

type eventKind int

const (
	interfacesAdded eventKind = iota
	interfacesRemoved
	propertiesChanged
	daemonGone    // bluetoothd has left the bus, with its objects and registrations
	daemonStarted // bluetoothd is on the bus, and will add its objects
	busGone       // the bus closed the connection; the last event
	snapshot      // for observe
)

// watch makes f receive the events from now on, in order and on one goroutine.
// f must not block, call stop, or call a method of bluetoothd. When stop has
// returned, f does not run any more.
func (c *Client) watch(f func(event)) (stop func()) {
	w := &watcher{f: f}
	c.events.add(w)
	return func() { c.events.remove(w) }
}

// running reports whether bluetoothd is on the bus.
func (c *Client) running() bool { return c.events.currentOwner() != "" }

// A dispatcher passes the signals of bluetoothd to watchers, in the order of
// the bus. As the signal handler of the connection, it receives them in this
// order, from the goroutine that reads.
type dispatcher struct {
	lost  func() // called when the connection ends
	queue *mailbox[queued]

	closed  context.Context // ends when no event is to be delivered any more
	stopped chan struct{}

	mu    sync.Mutex
	owner string        // bluetoothd's unique name; empty while it does not run
	since dbus.Sequence // of the last change of owner
	over  bool

	delivery sync.Mutex // held while watchers run
	watchers []*watcher
}

// queued is an event or, if reached is not nil, a mark: reached is closed when
// its turn has come.
type queued struct {
	event
	reached chan struct{}
}

// A watcher receives the events after the sequence since.
type watcher struct {
	f       func(event)
	since   dbus.Sequence
	holding bool // until begin is called
	held    []event
}

func newDispatcher(closed context.Context, lost func()) *dispatcher {
	d := &dispatcher{lost: lost, queue: newMailbox[queued](), closed: closed, stopped: make(chan struct{})}
	go d.run()
	return d
}

// DeliverSignal receives a signal from the connection. Any program on the bus
// may send signals to any other one, so those of others are dropped.
func (d *dispatcher) DeliverSignal(iface, member string, signal *dbus.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case signal.Sender == busName:
		if iface == busName && member == "NameOwnerChanged" {
			d.changeOwner(signal)
		}
	case signal.Sender != "" && signal.Sender == d.owner:
		if e, ok := parseSignal(signal); ok {
			d.queue.put(queued{event: e})
		}
	}
}

// changeOwner records a change of the owner of bluetoothd's name.
func (d *dispatcher) changeOwner(signal *dbus.Signal) {
	name, ok1 := argument[string](signal.Body, 0)
	after, ok2 := argument[string](signal.Body, 2)
	if !ok1 || !ok2 || name != bluezName {
		return
	}
	if d.owner != "" {
		d.queue.put(queued{event: event{kind: daemonGone, sequence: signal.Sequence, owner: d.owner}})
	}
	d.owner, d.since = after, signal.Sequence
	if after != "" {
		d.queue.put(queued{event: event{kind: daemonStarted, sequence: signal.Sequence, owner: after}})
	}
}

// setOwner sets the owner of bluetoothd's name as a reply of the bus names it,
// unless a later signal has changed it.
func (d *dispatcher) setOwner(sequence dbus.Sequence, owner string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sequence > d.since && !d.over {
		d.owner, d.since = owner, sequence
	}
}

// currentOwner returns the unique name of bluetoothd, or an empty string.
func (d *dispatcher) currentOwner() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.owner
}

// parseSignal returns the event of a signal of bluetoothd, if it has one.
func parseSignal(signal *dbus.Signal) (e event, ok bool) {
	e.path, e.sequence = signal.Path, signal.Sequence
	body := signal.Body
	ok1, ok2, ok3 := false, false, true
	switch signal.Name {
	case objectManager + ".InterfacesAdded":
		e.kind = interfacesAdded
		e.path, ok1 = argument[dbus.ObjectPath](body, 0)
		e.added, ok2 = argument[map[string]map[string]dbus.Variant](body, 1)
	case objectManager + ".InterfacesRemoved":
		e.kind = interfacesRemoved
		e.path, ok1 = argument[dbus.ObjectPath](body, 0)
		e.removed, ok2 = argument[[]string](body, 1)
	case properties + ".PropertiesChanged":
		e.kind = propertiesChanged
		e.iface, ok1 = argument[string](body, 0)
		e.changed, ok2 = argument[map[string]dbus.Variant](body, 1)
		e.invalidated, ok3 = argument[[]string](body, 2)
	}
	return e, ok1 && ok2 && ok3
}

// argument returns a value of the body of a message. Unlike dbus.Store, it does
// not convert values.
func argument[T any](body []any, i int) (value T, ok bool) {
	if i < len(body) {
		value, ok = body[i].(T)
	}
	return value, ok
}

// Terminate is called when the connection has been closed by either side.
func (d *dispatcher) Terminate() {
	d.lost()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over {
		d.over, d.owner = true, ""
		d.queue.put(queued{event: event{kind: busGone, sequence: math.MaxUint64}})
	}
}

// await waits until the watchers have received all events so far, which include
// those before a reply that the caller has got.
func (d *dispatcher) await(ctx context.Context) error {
	mark := make(chan struct{})
	d.queue.put(queued{reached: mark})
	select {
	case <-mark:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-d.stopped:
		return errClosed
	}
}

// run passes events to watchers until the Client is closed.
func (d *dispatcher) run() {
	defer close(d.stopped)
	for {
		q, err := d.queue.next(d.closed)
		if err != nil {
			return
		}
		if q.reached != nil {
			close(q.reached)
			continue
		}
		d.deliver(q.event)
	}
}

// deliver passes an event to the watchers.
func (d *dispatcher) deliver(e event) {
	d.delivery.Lock()
	defer d.delivery.Unlock()
	for _, w := range d.watchers {
		switch {
		case d.closed.Err() != nil:
			return
		case w.holding:
			w.held = append(w.held, e)
		case e.sequence > w.since:
			w.f(e)
		}
	}
}

func (d *dispatcher) add(w *watcher) {
	d.delivery.Lock()
	defer d.delivery.Unlock()
	d.watchers = append(d.watchers, w)
}

func (d *dispatcher) remove(w *watcher) {
	d.delivery.Lock()
	defer d.delivery.Unlock()
	d.watchers = slices.DeleteFunc(d.watchers, func(other *watcher) bool { return other == w })
}

// begin passes a first event to a watcher, and those of the events held for it
// that follow on the first one.
func (d *dispatcher) begin(w *watcher, first event) {
	d.delivery.Lock()
	defer d.delivery.Unlock()
	if d.closed.Err() != nil {
		return
	}
	w.f(first)
	w.holding, w.since = false, first.sequence
	for _, e := range w.held {
		if e.sequence > w.since {
			w.f(e)
		}
	}
	w.held = nil
}

// wait waits, after the Client has been closed, until no watcher runs any more.
func (d *dispatcher) wait() {
	<-d.stopped
	d.delivery.Lock() // begin runs on another goroutine
	defer d.delivery.Unlock()
}
