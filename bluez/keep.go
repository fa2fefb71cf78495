package bluez

import (
	"context"
	"time"
)

// A registration is made with bluetoothd, which forgets it when it ends.
type registration struct {
	// register makes the registration.
	register func(context.Context) error

	// again, if not nil, selects further events after which the registration is
	// made again. register then has to expect that bluetoothd still has it.
	again func(event) bool

	// changed is told the state: an error while bluetoothd does not have the
	// registration, nil when it has it again. It may be nil.
	changed func(error)
}

// keep makes a registration, and makes it again whenever bluetoothd has started
// again, and after the events that the registration selects. It returns the error of the first attempt, and then keeps nothing. The
// functions are called one after the other. When stop has returned, no function
// runs any more; a function must not call it. keep ends with the Client as well.
func (c *Client) keep(ctx context.Context, r registration) (stop func(), err error) {
	starts := newMailbox[eventKind]()
	unwatch := c.watch(func(e event) {
		switch e.kind {
		case daemonGone, daemonStarted, busGone:
			starts.put(e.kind)
		default:
			if r.again != nil && r.again(e) {
				starts.put(e.kind)
			}
		}
	})
	if err := r.register(ctx); err != nil {
		unwatch()
		return nil, err
	}
	kept, end := context.WithCancel(c.ended)
	done := make(chan struct{})
	c.background(func() {
		defer close(done)
		r.follow(kept, starts)
	})
	return func() {
		end()
		unwatch()
		<-done
	}, nil
}

// How long keep waits before it repeats a registration that failed. The time
// doubles with each failure.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// follow makes the registration again after each start of bluetoothd.
func (r registration) follow(ctx context.Context, changes *mailbox[eventKind]) {
	retry := false // bluetoothd runs without the registration
	pause := firstRetry
	for ctx.Err() == nil {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if retry {
			wait, cancel = context.WithTimeout(ctx, pause)
			pause = min(2*pause, lastRetry)
		}
		kind, err := changes.next(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && kind == daemonGone:
			retry, pause = false, firstRetry
			r.report(&Error{Op: "keep a registration", Err: ErrNoDaemon})
		case err == nil && kind == busGone:
			retry = false
			r.report(&Error{Op: "keep a registration", Err: errBusEnded})
		default:
			err := r.register(ctx)
			if ctx.Err() != nil {
				return
			}
			retry = err != nil
			r.report(err)
		}
	}
}

func (r registration) report(err error) {
	if r.changed != nil {
		r.changed(err)
	}
}
