package inquiry

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/paging"
)

// defaultDuration is the recommended time of an inquiry, 10.24 s (Core
// Specification, Volume 3, Part C, appendix A).
const defaultDuration = 8 * unit

// Options are the options of Devices. The zero value of each field is
// equivalent to an inquiry without that option.
type Options struct {
	// Adapter is the address of the adapter to inquire with. If zero, it is the
	// first adapter that is up.
	Adapter rfcomm.BDAddr

	// Duration is the time to inquire, not counting the requests for names that
	// follow, the time in which dials interrupt the inquiry, and that in which
	// the adapter inquires for another program. The default is 10.24 s. A
	// negative Duration means no limit.
	Duration time.Duration

	// Limited restricts the inquiry to devices in the limited discoverable mode,
	// which some devices enter for a short time after their user has asked for
	// it. The devices of other programs' inquiries are found nevertheless.
	Limited bool

	// NoNameRequests disables the requests for the names of devices that have
	// not sent a complete name with their answer. A request connects to the
	// device for a moment. It takes up to 6 s for a device that does not answer.
	NoNameRequests bool
}

// Devices returns an iterator over the devices in range. Each loop over it makes
// an inquiry of its own. A nil opts means the default options.
//
// The loop receives a device when it first answers, and again when its name or
// class has changed, or its RSSI becomes known. After the inquiry, and every
// 10.24 s during a longer one, the names that are still missing are requested
// one at a time. The loop ends after the last one. A loop body that takes long
// does not delay the inquiry; if several facts about a device become known in
// the meantime, the loop receives the device once, with all of them. A loop
// receives at most 65536 devices.
//
// When the loop ends, by break, by return or by a panic, the inquiry or the
// request in progress is cancelled. The loop waits until the adapter has
// confirmed that, for at most 2 s. If the process is killed, the adapter
// continues for up to 10.24 s.
//
// If the adapter inquires for another program, such as bluetoothd, Devices
// waits until its own inquiry can start. The devices of the other inquiry are
// found as well.
//
// An error ends the loop. Its Device is zero. Errors are *net.OpError:
//
//   - the context's error, if ctx is done. A deadline of ctx is a timeout; use
//     Duration to end the loop without an error
//   - an error with a *net.AddrError that lists the machine's adapters, if none
//     has the address of Adapter
//   - ENODEV: the machine has no adapter, or the adapter was removed
//   - ENETDOWN: the adapter is down, perhaps because of rfkill, or was switched
//     off
//   - EPIPE: the adapter was removed
//   - EBUSY: the adapter has refused the inquiry for a minute, because another
//     program uses it
//   - ETIMEDOUT: the adapter does not answer
//   - EAFNOSUPPORT: the kernel has no Bluetooth, or not in this network
//     namespace, such as that of a container
//
// On other platforms the error matches errors.ErrUnsupported.
func Devices(ctx context.Context, opts *Options) iter.Seq2[Device, error] {
	if ctx == nil {
		panic("nil context")
	}
	if opts == nil {
		opts = new(Options)
	}
	o := *opts
	return func(yield func(Device, error) bool) {
		adapter, conn, err := o.open(ctx)
		if err != nil {
			yield(Device{}, opError(o.Adapter, err))
			return
		}
		l := startLoop(ctx, o.search(adapter, conn))
		defer l.end()
		if err := l.run(yield); err != nil {
			yield(Device{}, opError(adapter.Addr, err))
		}
	}
}

// search returns a search with the options.
func (o *Options) search(adapter *rfcomm.Adapter, conn io.ReadWriteCloser) *search {
	s := &search{
		conn:    conn,
		check:   func() error { return checkAdapter(adapter) },
		radio:   paging.Register(adapter.Addr),
		code:    general,
		left:    o.Duration,
		names:   !o.NoNameRequests,
		devices: newTable(),
	}
	if o.Limited {
		s.code = limited
	}
	if o.Duration == 0 {
		s.left = defaultDuration
	}
	return s
}

// A loop is the connection of a search with the loop over its devices.
type loop struct {
	ctx    context.Context // that of the caller
	search *search
	stop   context.CancelFunc
	done   chan struct{} // closed when the search has ended
	err    error         // of the search; set before done is closed
}

func startLoop(ctx context.Context, s *search) *loop {
	searching, stop := context.WithCancel(ctx)
	l := &loop{ctx: ctx, search: s, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.err = s.run(searching)
	}()
	return l
}

// run passes the devices to the body of the loop until the search ends or the
// body returns false. It returns the error to be passed after them.
func (l *loop) run(yield func(Device, error) bool) error {
	for {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if device, ok := l.search.devices.take(); ok {
			if !yield(device, nil) {
				return nil
			}
			continue
		}
		select {
		case <-l.search.devices.queued:
		case <-l.ctx.Done():
		case <-l.done:
			if !l.search.devices.empty() {
				continue
			}
			return l.err
		}
	}
}

// end stops the search and waits until the controller has confirmed that.
func (l *loop) end() {
	l.stop()
	<-l.done
	l.search.radio.Close()
	l.search.conn.Close()
	for range l.search.events { // until the reader has ended
	}
}
