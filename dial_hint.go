package rfcomm

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

const (
	pairingFirst = "if one of the devices asks whether to pair, answer it, or pair them before dialing"
	beingSetUp   = "the link to the device is still being set up, perhaps because nobody confirmed the pairing: " + pairingFirst
)

// dialFacts holds the facts about a failed dial from which its likely cause can
// be determined. The kernel returns the same errno for many causes.
type dialFacts struct {
	local  BDAddr // the requested adapter, or zero for any adapter
	remote Addr

	heldHere       bool          // this process already has the connection open
	closingHere    bool          // a Shutdown of this process is closing it
	recentlyClosed bool          // this process closed one to the device recently
	lasted         time.Duration // duration of the last attempt
	retried        time.Duration // from the first attempt to the last error
	adapterGone    bool          // as determined by the redial.Retrier

	adapters []Adapter // nil if not known
	link     *hci.Link // to the device; nil if there is none or it is not known

	// findLink looks up link. It returns when its context is done.
	findLink func(context.Context) *hci.Link
	ahead    chan *hci.Link // receives the result of lookAhead; nil without a deadline
}

// lookAhead looks up the link shortly before the deadline of the dial, if the
// dial has a deadline. The look-up can block (see lookUpWait), and a dial whose
// deadline has passed must not wait for it. Calling stop prevents a look-up
// that has not begun.
func (f *dialFacts) lookAhead(ctx context.Context) (stop func() bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return func() bool { return false }
	}
	found := make(chan *hci.Link, 1)
	f.ahead = found
	return time.AfterFunc(time.Until(deadline)-lookUpWait, func() { found <- f.findLink(ctx) }).Stop
}

// explain adds the likely cause to the error of a dial. It does not wait after
// ctx is done.
func (f *dialFacts) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		select {
		case f.link = <-f.ahead:
		default:
		}
	}
	return f.addCause(ctx, err)
}

// addCause adds the likely cause to an error. Unlike explain, it does not
// receive the result of lookAhead.
func (f *dialFacts) addCause(ctx context.Context, err error) error {
	if c, ok := err.(*neterr.Interrupted); ok {
		return &neterr.Interrupted{Last: f.addCause(ctx, c.Last), Ended: f.addCause(ctx, c.Ended)}
	}
	if err == neterr.ErrTimeout && f.configuring() {
		return neterr.TimeoutWithHint(beingSetUp)
	}
	errno, ok := redial.ConnectErrno(err)
	if !ok {
		return err
	}
	f.lookUp(ctx, errno)
	if text := f.hint(errno); text != "" {
		return neterr.WithHint(callConnect, errno, text)
	}
	return err
}

// lookUp looks up the facts that are relevant to an errno.
func (f *dialFacts) lookUp(ctx context.Context, errno syscall.Errno) {
	switch errno {
	case syscall.EBUSY:
		f.heldHere = conns.dialed(f.local, f.remote)
		f.closingHere = conns.closing(f.local, f.remote)
	case syscall.ECONNRESET:
		f.recentlyClosed = conns.recentlyClosed(f.remote.Device)
	case syscall.ECONNREFUSED, syscall.ETIMEDOUT:
		if ctx.Err() == nil {
			f.link = f.findLink(ctx)
		}
	}
	if redial.NeedAdapters(errno) {
		f.adapters, _ = adapters()
	}
}

// hint returns the likely cause of an errno of connect(2), or "" if the facts
// do not matter. The table of hints then has the cause.
func (f *dialFacts) hint(errno syscall.Errno) string {
	switch errno {
	case syscall.EBUSY:
		return f.busy()
	case syscall.ECONNRESET:
		return f.reset()
	case syscall.ECONNREFUSED:
		return f.refused()
	case syscall.ETIMEDOUT:
		if f.configuring() {
			return beingSetUp
		}
	case syscall.ENOSYS:
		if f.lasted >= redial.PairingWait {
			return f.unconfirmed()
		}
	}
	return f.ofAdapters().Hint(errno)
}

func (f *dialFacts) busy() string {
	if f.heldHere {
		return "this process has a connection to this channel of the device open: use or close it, " +
			"since only one is possible"
	}
	if f.closingHere {
		return "this process is still closing its connection to this channel of the device: wait until its " +
			"Shutdown returns, or Close it; only one is possible"
	}
	return "another program has a connection to this channel of the device open, or this one has a duplicate " +
		"of its descriptor (from Conn.File or FileConn), or an earlier connection is still closing, which takes up " +
		"to 40 s if data was left unread; only one is possible"
}

func (f *dialFacts) reset() string {
	switch {
	case f.lasted >= redial.PairingWait:
		return fmt.Sprintf("the device hung up after %v: it asks for pairing or encryption, which "+
			"failed: %s", f.lasted.Round(time.Second), pairingFirst)
	case f.recentlyClosed:
		return "the last connection of this process to the device was closing, or the device hung up"
	case f.retried >= redial.RetryFor/2:
		return "the device hung up at every attempt: it may have no room for another connection, or refuse this " +
			"machine; restart it, or remove and pair it again"
	}
	return "the device hung up, or another program's last connection to it was closing"
}

func (f *dialFacts) refused() string {
	const nothing = "nothing listens on this channel, it is not the right one, or its queue is full"
	switch {
	case f.local == f.remote.Device:
		return redial.SelfDialed
	case f.link != nil && f.link.Mode&hci.FIPS != 0:
		return nothing
	case f.link != nil && f.link.Mode&hci.Encrypted != 0:
		return nothing + "; or the device asks for a pairing that was confirmed on both devices (SecurityHigh)"
	case f.configuring():
		return beingSetUp
	case f.lasted >= redial.PairingWait/4:
		return fmt.Sprintf("refused after %v: the device asks for pairing or encryption, which failed, "+
			"or nothing listens on this channel: %s", f.lasted.Round(time.Second), pairingFirst)
	}
	return nothing + "; or the device asks for pairing or encryption: pair the devices, or ask for SecurityMedium"
}

// unconfirmed explains an errno that the kernel has for the LMP response
// timeout, 30 s, after which a controller gives a pairing up (Core
// Specification, Volume 2, Part C, section 2.4.1).
func (f *dialFacts) unconfirmed() string {
	return fmt.Sprintf("the adapter gave up after %v, perhaps because nobody confirmed the pairing: %s",
		f.lasted.Round(time.Second), pairingFirst)
}

// configuring reports whether the link to the device is up but not ready, for
// example because a question about pairing is unanswered.
func (f *dialFacts) configuring() bool { return f.link != nil && f.link.State == hci.Configuring }

// ofAdapters returns the facts about the adapters.
func (f *dialFacts) ofAdapters() *redial.Facts {
	facts := &redial.Facts{Local: f.local, Device: f.remote.Device, Gone: f.adapterGone}
	if f.adapters != nil {
		facts.Adapters = make([]hci.Adapter, len(f.adapters))
	}
	for i, a := range f.adapters {
		facts.Adapters[i] = hciAdapter(a)
	}
	return facts
}

// hciAdapter returns an adapter in the form of package hci.
func hciAdapter(a Adapter) hci.Adapter {
	converted := hci.Adapter{Index: a.Index, Name: a.Name, Address: a.Addr}
	if a.Up {
		converted.Flags |= hci.Up
	}
	if a.PageScan {
		converted.Flags |= hci.PageScan
	}
	return converted
}
