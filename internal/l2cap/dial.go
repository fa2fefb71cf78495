package l2cap

import (
	"context"
	"syscall"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/internal/hci"
	"github.com/go-rfcomm/rfcomm/internal/neterr"
	"github.com/go-rfcomm/rfcomm/internal/paging"
	"github.com/go-rfcomm/rfcomm/internal/redial"
)

// dialWithRetries connects, and adds the likely cause to an error. Inquiries of
// this process on the adapter pause until it returns.
func dialWithRetries(ctx context.Context, adapter rfcomm.BDAddr, raddr Addr) (*Conn, error) {
	if !adapter.IsZero() { // the kernel binds to any address (l2cap_sock_bind)
		if _, err := hci.FindAddress(adapter); err != nil {
			return nil, err
		}
	}
	defer paging.Begin(ctx, adapter)()
	r := redial.Retrier[*Conn]{
		Attempt: func(ctx context.Context) (*Conn, error) { return connect(ctx, adapter, raddr) },
	}
	conn, err := r.Dial(ctx)
	if err != nil {
		return nil, explain(err, redial.Facts{Local: adapter, Device: raddr.Device, Gone: r.Gone}, hci.Adapters)
	}
	return conn, nil
}

// explain adds the likely cause to the error of a dial, if it depends on facts.
// The table of hints has the other causes.
func explain(err error, facts redial.Facts, adapters func() ([]hci.Adapter, error)) error {
	if c, ok := err.(*neterr.Interrupted); ok {
		return &neterr.Interrupted{Last: explain(c.Last, facts, adapters), Ended: c.Ended}
	}
	errno, ok := redial.ConnectErrno(err)
	if !ok {
		return err
	}
	text := ""
	switch {
	case errno == syscall.ECONNREFUSED && facts.Local == facts.Device:
		text = redial.SelfDialed
	case redial.NeedAdapters(errno):
		facts.Adapters, _ = adapters() // nil after an error
		text = facts.Hint(errno)
	}
	if text == "" {
		return err
	}
	return neterr.WithHint("connect", errno, text)
}
