package bluez

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// maxLimit is the maximum time limit of a mode. The kernel counts it in seconds
// of 16 bits (struct mgmt_cp_set_discoverable).
const maxLimit = 0xffff * time.Second

// restoreWait is the maximum time for which Close waits until bluetoothd has
// restored a mode.
const restoreWait = 5 * time.Second

// Discoverable makes the adapter discoverable for a limited time, of up to 65535
// s, and returns. The adapter must be powered on. The state before is restored
// by Close of the Temporary or of the Client, or after the limit, whichever is
// first.
//
// bluetoothd has the limit, too, in whole seconds, in its property
// DiscoverableTimeout. If the process is killed, the adapter is therefore not
// discoverable for longer, but DiscoverableTimeout, which bluetoothd stores,
// keeps the limit.
//
// If the adapter is discoverable already, its limit is extended or shortened to
// the new one until the Temporary ends, and after that again the former one; an
// adapter that is discoverable without a limit remains so. Of several
// Temporaries of a Client, the longest has effect. A change by another program
// ends the effect: the Temporary then restores nothing.
//
// If bluetoothd restarts, or the adapter is switched off or removed, the adapter
// is not discoverable any more.
func (a *Adapter) Discoverable(ctx context.Context, limit time.Duration) (*Temporary, error) {
	return a.limit(ctx, discoverable, limit)
}

// Pairable makes the adapter pairable for a limited time, like
// [Adapter.Discoverable]. bluetoothd also makes an adapter pairable when the
// first agent is registered, and ends that when the last one leaves.
func (a *Adapter) Pairable(ctx context.Context, limit time.Duration) (*Temporary, error) {
	return a.limit(ctx, pairable, limit)
}

func (a *Adapter) limit(ctx context.Context, m mode, limit time.Duration) (*Temporary, error) {
	if limit <= 0 || limit > maxLimit {
		return nil, fmt.Errorf("bluez: time limit %v; it must be positive and at most %v", limit, maxLimit)
	}
	if err := a.checkPower(ctx, "limit "+string(m)+" of"); err != nil {
		return nil, err
	}
	t, err := a.client.leases.begin(ctx, leaseKey{a.address, m}, &modeControl{a, m}, limit)
	return t, a.wrap("limit "+string(m)+" of", err)
}

// checkPower returns an error if the adapter is switched off.
func (a *Adapter) checkPower(ctx context.Context, op string) error {
	e, err := a.object(ctx)
	if err == nil && !e.adapter().Powered {
		err = powerOff(op, e.path)
	}
	return err
}

// A modeControl reads and changes a mode of an adapter.
type modeControl struct {
	adapter *Adapter
	mode    mode
}

func (c *modeControl) read(ctx context.Context) (modeState, error) {
	e, err := c.adapter.object(ctx)
	if err != nil {
		return modeState{}, err
	}
	return modeState{property[bool](e.values, string(c.mode)), property[uint32](e.values, c.mode.timeout())}, nil
}

func (c *modeControl) setTimeout(ctx context.Context, seconds uint32) error {
	return c.adapter.set(ctx, c.mode.timeout(), seconds)
}

func (c *modeControl) set(ctx context.Context, on bool) error {
	return c.adapter.set(ctx, string(c.mode), on)
}

// A Temporary is a mode of an adapter that has a time limit.
type Temporary struct {
	leases *leases
	lease  *lease
	until  time.Time
	timer  *time.Timer
	end    sync.Once
	done   chan struct{}
	err    error // set before done is closed
}

// Done returns a channel that is closed when the Temporary has ended: by its
// limit, or by Close.
func (t *Temporary) Done() <-chan struct{} { return t.done }

// Close ends the Temporary and restores the state before. It returns when
// bluetoothd has done so, or after 5 s with the reason for which it has not.
// Further calls return the same.
func (t *Temporary) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), restoreWait)
	defer cancel()
	t.finish(ctx)
	return t.err
}

// finish ends the Temporary.
func (t *Temporary) finish(ctx context.Context) {
	t.end.Do(func() {
		t.err = t.leases.finish(ctx, t)
		close(t.done)
	})
}
