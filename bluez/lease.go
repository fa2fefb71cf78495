package bluez

import (
	"context"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm"
)

// A modeState is the state of a mode with its time limit in seconds, which is 0
// if it has none. bluetoothd keeps the limit while the mode is off.
type modeState struct {
	on      bool
	timeout uint32
}

// A control is a modeControl, or that of a test. A change of the timeout of a
// mode that is on starts the limit again (property_set_discoverable_timeout in
// src/adapter.c).
type control interface {
	read(ctx context.Context) (modeState, error)
	setTimeout(ctx context.Context, seconds uint32) error
	set(ctx context.Context, on bool) error
}

type leaseKey struct {
	adapter rfcomm.BDAddr
	mode    mode
}

// leases are the modes that a Client has changed for a time.
type leases struct {
	busy   chan struct{} // holds an element while one goroutine uses the other fields
	all    map[leaseKey]*lease
	closed bool
}

func newLeases() *leases {
	return &leases{busy: make(chan struct{}, 1), all: make(map[leaseKey]*lease)}
}

// A lease is a mode that some Temporaries have changed.
type lease struct {
	key     leaseKey
	control control
	before  modeState
	timeout uint32 // the one that was set last
	holders map[*Temporary]struct{}
}

// lock waits until no other goroutine changes a mode.
func (s *leases) lock(ctx context.Context) error {
	select {
	case s.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *leases) unlock() { <-s.busy }

// begin makes a Temporary.
func (s *leases) begin(ctx context.Context, key leaseKey, c control, limit time.Duration) (*Temporary, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.unlock()
	if s.closed {
		return nil, errClosed
	}
	l, ok := s.all[key]
	if !ok {
		before, err := c.read(ctx)
		if err != nil {
			return nil, err
		}
		l = &lease{key: key, control: c, before: before, holders: make(map[*Temporary]struct{})}
		s.all[key] = l
	}
	t := &Temporary{leases: s, lease: l, until: time.Now().Add(limit), done: make(chan struct{})}
	l.holders[t] = struct{}{}
	if err := l.apply(ctx); err != nil {
		restoring, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWait)
		defer cancel()
		s.remove(restoring, t)
		return nil, err
	}
	t.timer = time.AfterFunc(limit, func() { t.Close() })
	return t, nil
}

// finish ends a Temporary.
func (s *leases) finish(ctx context.Context, t *Temporary) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	return s.remove(ctx, t)
}

// remove removes a Temporary from its lease and restores the mode, or applies
// the limits of the Temporaries that remain.
func (s *leases) remove(ctx context.Context, t *Temporary) error {
	l := t.lease
	if t.timer != nil {
		t.timer.Stop()
	}
	delete(l.holders, t)
	if len(l.holders) > 0 {
		return l.apply(ctx)
	}
	delete(s.all, l.key)
	return l.restore(ctx)
}

// close ends all Temporaries, and refuses new ones.
func (s *leases) close() {
	ctx, cancel := context.WithTimeout(context.Background(), restoreWait)
	defer cancel()
	var closing sync.WaitGroup
	for _, t := range s.holders(ctx) {
		closing.Go(func() { t.finish(ctx) })
	}
	closing.Wait()
}

// holders returns all Temporaries, and makes begin fail.
func (s *leases) holders(ctx context.Context) (all []*Temporary) {
	if s.lock(ctx) != nil {
		return nil
	}
	defer s.unlock()
	s.closed = true
	for _, l := range s.all {
		for t := range l.holders {
			all = append(all, t)
		}
	}
	return all
}

// unlimited reports whether the mode was on without a limit, and therefore is
// not changed.
func (l *lease) unlimited() bool { return l.before == modeState{on: true} }

// apply switches the mode on until the last Temporary ends.
func (l *lease) apply(ctx context.Context) error {
	if l.unlimited() {
		return nil
	}
	var last time.Time
	for t := range l.holders {
		if t.until.After(last) {
			last = t.until
		}
	}
	l.timeout = seconds(time.Until(last))
	if err := l.control.setTimeout(ctx, l.timeout); err != nil {
		return err
	}
	return l.control.set(ctx, true)
}

// seconds returns a time in whole seconds, rounded up, and at least 1, since 0
// means no limit.
func seconds(d time.Duration) uint32 {
	return uint32(max(1, (d+time.Second-1)/time.Second))
}

// restore restores the mode, unless another program has changed it since.
func (l *lease) restore(ctx context.Context) error {
	if l.unlimited() {
		return nil
	}
	now, err := l.control.read(ctx)
	if err != nil {
		return err
	}
	if now.timeout != l.timeout {
		return nil
	}
	if now.on && !l.before.on {
		if err := l.control.set(ctx, false); err != nil {
			return err
		}
	}
	return l.control.setTimeout(ctx, l.before.timeout)
}
