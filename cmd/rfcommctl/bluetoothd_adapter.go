package main

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-rfcomm/rfcomm/bluez"
)

// changeByDaemon is the change of newTool.
func changeByDaemon(ctx context.Context, name string, c adapterChange, changed func() error) error {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	a, err := daemonsAdapter(ctx, client, name)
	if err != nil {
		return err
	}
	limits, err := applyChange(ctx, a, c)
	if err == nil {
		err = changed()
	}
	if err == nil {
		err = awaitEnd(ctx, limits)
	}
	return cmp.Or(err, restore(limits))
}

// restore ends all changes with a limit at the same time: bluetoothd may not answer.
func restore(limits []*bluez.Temporary) error {
	errs := make([]error, len(limits))
	var closing sync.WaitGroup
	for i, limit := range limits {
		closing.Go(func() { errs[i] = limit.Close() })
	}
	closing.Wait()
	return cmp.Or(errs...)
}

// daemonsAdapter returns the adapter that has a name.
func daemonsAdapter(ctx context.Context, client *bluez.Client, name string) (*bluez.Adapter, error) {
	adapters, err := client.Adapters(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range adapters {
		if a.Name() == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("bluetoothd does not have the adapter %s: %w", name, bluez.ErrNoAdapter)
}

// applyChange changes an adapter, and returns the changes that have a limit in
// time, also with an error.
func applyChange(ctx context.Context, a *bluez.Adapter, c adapterChange) (limits []*bluez.Temporary, err error) {
	if c.power.given {
		if err := a.SetPowered(ctx, c.power.on); err != nil {
			return nil, err
		}
	}
	for _, mode := range []struct {
		limited
		set   func(context.Context, bool) error
		begin func(context.Context, time.Duration) (*bluez.Temporary, error)
	}{
		{c.pairable, a.SetPairable, a.Pairable},
		{c.discoverable, a.SetDiscoverable, a.Discoverable},
	} {
		switch {
		case err != nil || !mode.given:
		case mode.limit == 0:
			err = mode.set(ctx, mode.on)
		default:
			var limit *bluez.Temporary
			if limit, err = mode.begin(ctx, mode.limit); err == nil {
				limits = append(limits, limit)
			}
		}
	}
	return limits, err
}

// awaitEnd waits for the end of all limits, or of the context.
func awaitEnd(ctx context.Context, limits []*bluez.Temporary) error {
	for _, limit := range limits {
		select {
		case <-limit.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
