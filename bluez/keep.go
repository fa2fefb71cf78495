package bluez

import (
	"context"
	"time"
)

// A registration is made with bluetoothd, which forgets it when it ends.
type registration struct {
	// register makes the registration. Its calls with the context go to one
	// process of bluetoothd. An error is returned by keep or passed to changed.
	register func(context.Context) error

	// again, if not nil, selects further events after which the registration is
	// made again. register then has to expect that bluetoothd still has it.
	again func(event) bool

	// changed, if not nil, receives the state after it may have changed: an
	// error while bluetoothd does not have the registration, otherwise nil.
	changed func(error)
}

// keep makes a registration, and makes it again when bluetoothd has started
// again, and after the events that the registration selects. If that fails, keep
// tries again after 1 s and then at longer intervals, up to 1 min.
//
// keep returns the error of the first attempt, and then keeps nothing. The
// functions of the registration are called one at a time. When stop has returned
// or the Client has been closed, no function runs any more; a function must not
// call either.
func (c *Client) keep(ctx context.Context, r registration) (stop func(), err error) {
	k := &keeper{registration: r, events: newMailbox[event]()}
	unwatch := c.watch(k.receive)
	k.owner = c.events.currentOwner()
	if err := r.register(withOwner(ctx, k.owner)); err != nil {
		unwatch()
		return nil, err
	}
	keeping, end := context.WithCancel(c.closed)
	done := make(chan struct{})
	c.background(func() {
		defer close(done)
		k.run(keeping)
	})
	return func() {
		end()
		unwatch()
		<-done
	}, nil
}

// A keeper makes a registration again.
type keeper struct {
	registration
	events *mailbox[event]
	owner  string // the bluetoothd that has the registration or should have it; empty if none runs
}

// receive selects events.
func (k *keeper) receive(e event) {
	switch e.kind {
	case daemonGone, daemonStarted, busGone:
		k.events.put(e)
	default:
		if k.again != nil && k.again(e) {
			k.events.put(e)
		}
	}
}

// How long a keeper waits before it repeats a registration that failed. The time
// doubles with each failure in a row.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// run makes the registration again until the context ends.
func (k *keeper) run(ctx context.Context) {
	var pause time.Duration // before the next attempt, if the last one failed
	for {
		e, retry := k.next(ctx, pause)
		if ctx.Err() != nil {
			return
		}
		due, err := retry, error(nil)
		if !retry {
			due, err = k.react(e)
		}
		if due {
			err = k.register(withOwner(ctx, k.owner))
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case due && err != nil:
			pause = min(max(2*pause, firstRetry), lastRetry)
		case due || err != nil:
			pause = 0
		}
		if k.changed != nil && (due || err != nil) {
			k.changed(err)
		}
	}
}

// next returns the next event, or reports that the pause is over.
func (k *keeper) next(ctx context.Context, pause time.Duration) (e event, retry bool) {
	if pause > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, pause)
		defer cancel()
	}
	e, err := k.events.next(ctx)
	return e, err != nil
}

// react reports whether the registration is due after an event, or the error
// with which the event has ended the registration.
func (k *keeper) react(e event) (due bool, err error) {
	switch e.kind {
	case daemonGone:
		if e.owner == k.owner {
			k.owner = ""
			return false, &Error{Op: "keep a registration", Err: errDaemonGone}
		}
		return false, nil
	case daemonStarted:
		due = e.owner != k.owner
		k.owner = e.owner
		return due, nil
	case busGone:
		k.owner = ""
		return false, &Error{Op: "keep a registration", Err: errBusEnded}
	default:
		return k.owner != "", nil
	}
}

// unregisterTime limits the wait for bluetoothd to forget a registration. The
// end of the connection does the same.
const unregisterTime = 5 * time.Second

// The errors with which the methods of a registered object refuse a request
// (doc/org.bluez.Agent.rst, doc/org.bluez.Profile.rst).
const (
	errorRejected = "org.bluez.Error.Rejected"
	errorCanceled = "org.bluez.Error.Canceled"
)
