package bluez

import (
	"context"
	"errors"
	"time"

	"github.com/go-rfcomm/rfcomm/internal/paging"
)

const (
	// nameWait is the maximum time for a device's name. The usual page timeout
	// is 5.12 s.
	nameWait = 6 * time.Second

	// busyPause is the time between two attempts while bluetoothd cannot start a
	// discovery because the kernel is busy, and busyWait the maximum time for
	// which they are made.
	busyPause = 500 * time.Millisecond
	busyWait  = time.Minute

	// stopWait is the maximum time for the end of a discovery.
	stopWait = 2 * time.Second

	// removalWait is the maximum time between the reports of bluetoothd that an
	// adapter is off and that it has been removed, in which it is switched off.
	removalWait = time.Second
)

// A discovery makes bluetoothd discover, and interrupts that for pages. It runs
// on its own goroutine.
type discovery struct {
	start func(ctx context.Context) error
	stop  func(ctx context.Context) error
	radio *paging.Activity // of the adapter
	found *foundTable
	lost  <-chan error  // receives the reason for which the adapter is of no use
	left  time.Duration // of the discovery; negative means no limit
	names bool          // wait for names

	began   time.Time // of the current discovery
	refused time.Time // since when bluetoothd does not start one
}

var (
	// errWaited is the error of a wait whose time has passed.
	errWaited = errors.New("waited long enough")
	// errAgain is the error of a discovery that is to be started again: a page of
	// this process waited for its end, or bluetoothd was busy.
	errAgain = errors.New("start again")
)

// run discovers until the time has passed and all names are known, or until ctx
// is done. When it returns, the discovery has stopped.
func (d *discovery) run(ctx context.Context) error {
	defer d.radio.Close()
	for {
		if err := d.acquire(ctx); err != nil {
			return err
		}
		err := d.once(ctx)
		d.radio.Stop()
		if errors.Is(err, ErrInProgress) {
			err = d.pause(ctx, err)
		}
		if err != errAgain {
			return err
		}
	}
}

// acquire waits until no page of this process is pending. Pages then wait until
// the radio's Stop is called.
func (d *discovery) acquire(ctx context.Context) error {
	for !d.radio.Start() {
		select {
		case <-d.radio.Changed():
		case err := <-d.lost:
			return d.reason(ctx, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// once starts and stops a discovery. It returns errAgain if a page ended it.
func (d *discovery) once(ctx context.Context) error {
	if err := d.start(ctx); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
		defer cancel()
		d.stop(stopping)
	}()
	d.began, d.refused = time.Now(), time.Time{}
	if err := d.discover(ctx); err != nil || !d.names {
		return err
	}
	return d.awaitNames(ctx)
}

// discover waits for the time that is left.
func (d *discovery) discover(ctx context.Context) error {
	if d.left < 0 {
		return d.wait(ctx, nil, nil)
	}
	timer := time.NewTimer(d.left)
	defer timer.Stop()
	err := d.wait(ctx, timer.C, nil)
	if err == errWaited {
		d.left = 0
		return nil
	}
	d.left = max(0, d.left-time.Since(d.began))
	return err
}

// awaitNames waits until all names are known, or until no name has become known
// for nameWait while the kernel requests them: after it has inquired.
func (d *discovery) awaitNames(ctx context.Context) error {
	inquired := d.began.Add(inquiryTime)
	for d.found.nameless() {
		timer := time.NewTimer(max(0, time.Until(inquired)) + nameWait)
		err := d.wait(ctx, timer.C, d.found.named)
		timer.Stop()
		if err == errWaited {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wait waits until one of the channels receives. It returns errWaited for until,
// nil for named, and errAgain for a page.
func (d *discovery) wait(ctx context.Context, until <-chan time.Time, named <-chan struct{}) error {
	for {
		select {
		case <-d.radio.Changed():
			if d.radio.PagePending() {
				return errAgain
			}
		case err := <-d.lost:
			return d.reason(ctx, err)
		case <-until:
			return errWaited
		case <-named:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reason returns the reason for which the adapter is of no use, of which first was
// reported.
func (d *discovery) reason(ctx context.Context, first error) error {
	if !errors.Is(first, ErrPowerOff) {
		return first
	}
	timer := time.NewTimer(removalWait)
	defer timer.Stop()
	select {
	case second := <-d.lost:
		return second
	case <-timer.C:
	case <-ctx.Done():
	}
	return first
}

// pause waits after bluetoothd has refused to start the discovery because the
// kernel was busy. It returns errAgain, or the error of the refusal after
// busyWait.
func (d *discovery) pause(ctx context.Context, refusal error) error {
	if d.refused.IsZero() {
		d.refused = time.Now()
	}
	if time.Since(d.refused) >= busyWait {
		return refusal
	}
	timer := time.NewTimer(busyPause)
	defer timer.Stop()
	if err := d.wait(ctx, timer.C, nil); err != errWaited {
		return err
	}
	return errAgain
}
