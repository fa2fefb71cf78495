// Package redial decides after a failed attempt to connect a Bluetooth socket
// whether and when to try again. RFCOMM runs over L2CAP, so the connect(2) of
// both fails for the same passing reasons, such as a link that is being taken
// down. The policy takes attempts as functions, so that its tests need no
// kernel.
package redial

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/neterr"
)

// The limits of a dial that retries. The pauses between attempts double from
// firstPause to lastPause. The last attempt begins at most RetryFor after the
// first failure.
const (
	RetryFor   = 5 * time.Second
	firstPause = 5 * time.Millisecond
	lastPause  = 500 * time.Millisecond

	// brieflyFor is like RetryFor, for errors that may be caused by a
	// connection that this process is closing.
	brieflyFor = 100 * time.Millisecond

	// If an attempt takes at least PairingWait before it fails, the device
	// waited for pairing. Linux waits for 25 s (RFCOMM_AUTH_TIMEOUT). A session
	// that is closing takes less.
	PairingWait = 20 * time.Second
)

// A Retrier dials until an attempt succeeds or fails permanently, or the
// context is done. It decides when to retry and how long to wait; the functions
// in its fields make the attempts and look up the facts. C is the type of the
// connection. A Retrier is for one dial.
type Retrier[C any] struct {
	// Attempt makes one attempt, on a new socket: one whose connect(2) failed
	// cannot connect again.
	Attempt func(context.Context) (C, error)

	// RecentlyClosed reports whether this process has just closed a connection
	// to the device, which may be the reason for a refusal. If nil, no close
	// can be the reason.
	RecentlyClosed func() bool

	// HeldHere reports whether this process has the same connection open. If
	// nil, the protocol permits several.
	HeldHere func() bool

	Lasted time.Duration // of the last attempt whose connect(2) failed
	Last   error         // of the last attempt that was retried
	Gone   bool          // the adapter was switched off or removed (adapterGone)

	againSince   time.Time // the first failure with the verdict retryAgain
	brieflySince time.Time // the first failure with the verdict retryBriefly
}

// A verdict determines how a dial continues after a failed attempt.
type verdict int

const (
	giveUp       verdict = iota // return the error
	retryBriefly                // retry, for brieflyFor
	retryAgain                  // retry, for RetryFor
)

// verdict returns the verdict on an errno of connect(2).
func (r *Retrier[C]) verdict(errno syscall.Errno) verdict {
	switch errno {
	case syscall.EBUSY:
		if r.HeldHere != nil && r.HeldHere() {
			// That connection does not close while the dial waits, unless its
			// Close is about to be called: http.Transport dials a replacement a
			// moment before it closes a connection.
			return retryBriefly
		}
		return retryAgain // the last connection to the channel is closing
	case syscall.ECONNRESET:
		if r.Lasted >= PairingWait {
			return giveUp // another attempt would take as long
		}
		return retryAgain // the session is closing
	case syscall.EALREADY:
		// Another program or the device dialed at the same moment. The kernel
		// requested the link twice and dropped it when the second request
		// failed (hci_acl_create_conn_sync, hci_cs_create_conn). The controller
		// keeps the link, and refuses more requests until the link ends.
		return retryAgain
	case syscall.ECONNABORTED:
		// This machine was taking the link down, because the link was idle or
		// the two devices dialed each other; or the adapter went away.
		return retryAgain
	case syscall.ENOMEM:
		// The link is being taken down, for example after a failed
		// authentication, and the kernel attaches no channel to it
		// (HCI_CONN_DROP in hci_chan_create).
		return retryAgain
	case syscall.ENOTCONN:
		// The kernel was cancelling the page of another program's L2CAP socket,
		// which was closed while it connected. Channels that have joined the
		// page since then end with the reason Unknown Connection Identifier
		// (l2cap_connect_cfm, bt_to_errno).
		return retryAgain
	case syscall.EPROTO:
		// The two devices began to pair at the same moment, and the adapters
		// complete the pairing of the other one (LMP Error Transaction
		// Collision; Core Specification, Volume 2, Part C, section 2.5.1). The
		// next attempt uses its key. Four other errors of the link manager have
		// the same errno (bt_to_errno), such as LMP PDU Not Allowed. They cannot
		// be distinguished.
		return retryAgain
	case syscall.ECONNREFUSED:
		// In rare cases the kernel refuses because the session is closing.
		if r.RecentlyClosed != nil && r.RecentlyClosed() {
			return retryBriefly
		}
	}
	return giveUp
}

// Dial makes attempts until one succeeds or is not to be retried. Its error is
// that of the last attempt. If ctx is done, the error is neterr.Context's, or a
// *neterr.Interrupted after a failed attempt.
func (r *Retrier[C]) Dial(ctx context.Context) (C, error) {
	var none C
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		began := time.Now()
		conn, err := r.Attempt(ctx)
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return none, dialEnded(ctx, r.Last)
		}
		errno, ok := ConnectErrno(err)
		if !ok {
			return none, err
		}
		r.Lasted = time.Since(began)
		if r.Gone = r.adapterGone(errno); r.Gone {
			return none, r.Last
		}
		if !r.again(errno, pause) {
			return none, err
		}
		r.Last = err
		if !Sleep(ctx, pause) {
			return none, dialEnded(ctx, r.Last)
		}
	}
}

// again reports whether an attempt that failed with errno is to be retried
// after a pause.
func (r *Retrier[C]) again(errno syscall.Errno, pause time.Duration) bool {
	switch r.verdict(errno) {
	case retryBriefly:
		return within(&r.brieflySince, brieflyFor, pause)
	case retryAgain:
		return within(&r.againSince, RetryFor, pause)
	}
	return false
}

// within reports whether an attempt after a pause begins within limit of since.
// If since is zero, within sets it to the current time.
func within(since *time.Time, limit, pause time.Duration) bool {
	if since.IsZero() {
		*since = time.Now()
	}
	return time.Since(*since)+pause <= limit
}

// adapterGone reports whether errno shows that the previous attempt was aborted
// because the adapter was switched off or removed. While the adapter goes down,
// the kernel still finds it, but requests no link (ENETDOWN;
// hci_cmd_sync_queue).
func (r *Retrier[C]) adapterGone(errno syscall.Errno) bool {
	before, ok := ConnectErrno(r.Last)
	return ok && before == syscall.ECONNABORTED && (errno == syscall.EHOSTUNREACH || errno == syscall.ENETDOWN)
}

// ConnectErrno returns the errno of an attempt whose connect(2) failed.
func ConnectErrno(err error) (errno syscall.Errno, ok bool) {
	syscallErr, ok := err.(*os.SyscallError)
	if !ok || syscallErr.Syscall != "connect" {
		return 0, false
	}
	errno, ok = syscallErr.Err.(syscall.Errno)
	return errno, ok
}

// Sleep waits for d or until ctx is done. It returns false if ctx is done.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// WithDeadline adds the time limits of a dialer to ctx: a maximum duration and an
// absolute time, each of which may be zero for none.
func WithDeadline(ctx context.Context, timeout time.Duration, deadline time.Time) (context.Context, context.CancelFunc) {
	if timeout != 0 {
		if byTimeout := time.Now().Add(timeout); deadline.IsZero() || byTimeout.Before(deadline) {
			deadline = byTimeout
		}
	}
	if deadline.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline)
}

// dialEnded returns the error of a dial that ctx ended. Last is the error of
// the previous attempt, or nil.
func dialEnded(ctx context.Context, last error) error {
	ended := neterr.Context(ctx.Err())
	if last == nil {
		return ended
	}
	return &neterr.Interrupted{Last: last, Ended: ended}
}
