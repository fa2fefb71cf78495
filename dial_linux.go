package rfcomm

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/go-rfcomm/rfcomm/internal/btsocket"
)

// A dial that meets a connection which is still closing tries again with
// pauses that grow from firstPause to lastPause, for retryFor at most.
const (
	retryFor   = 5 * time.Second
	firstPause = 5 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// connect dials until an attempt succeeds, fails for good, or ctx is done.
func (d *Dialer) connect(ctx context.Context, local BDAddr, raddr Addr) (*Conn, error) {
	var (
		since   time.Time // the first attempt that met a closing connection
		refused bool      // ECONNREFUSED has had its second chance
		last    error     // of the last attempt that ctx did not end
	)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		conn, err := d.connectOnce(ctx, local, raddr)
		switch {
		case err == nil:
			return conn, nil
		case ctx.Err() != nil && errors.Is(err, ctx.Err()):
			return nil, dialEnded(ctx, last)
		}
		syscallErr, ok := err.(*os.SyscallError)
		if !ok || syscallErr.Syscall != "connect" {
			return nil, err
		}
		switch syscallErr.Err {
		case unix.EBUSY, unix.ECONNRESET:
			if since.IsZero() {
				since = time.Now()
			} else if time.Since(since)+pause > retryFor {
				return nil, err
			}
		case unix.ECONNREFUSED:
			// The kernel gives it, rarely, for a session that is closing too.
			if refused || !recentlyClosed(raddr.Device) {
				return nil, err
			}
			refused = true
		default:
			return nil, err
		}
		last = explain(err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, dialEnded(ctx, last)
		}
	}
}

// dialEnded is the error of a dial that ctx ended, after an attempt that failed
// with last, if any did.
func dialEnded(ctx context.Context, last error) error {
	ended := contextError(ctx.Err())
	if last == nil {
		return ended
	}
	return &cutShort{last: last, ended: ended}
}

// connectOnce makes one attempt, on a socket of its own: one whose connect
// failed is of no further use.
func (d *Dialer) connectOnce(ctx context.Context, local BDAddr, raddr Addr) (*Conn, error) {
	from := endpoint(d.Security, func(fd int) error {
		if d.ControlContext == nil {
			return nil
		}
		return d.ControlContext(ctx, network, raddr.String(), controlOnly(fd))
	})
	if !local.IsZero() {
		from.Local = Addr{Device: local}.sockaddr()
	}
	socket, err := btsocket.Connect(ctx, from, raddr.sockaddr())
	if err != nil {
		return nil, err
	}
	name, err := socket.Name()
	if err != nil {
		socket.Close()
		return nil, err
	}
	conn := newConn(socket, addrOf(name), raddr)
	if err := checkLink(d.Security, conn, "connect"); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
