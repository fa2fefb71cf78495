package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
)

// maxLimited is the maximum time for which an adapter can be discoverable: the
// kernel counts seconds in 16 bits.
const maxLimited = 18 * time.Hour

// An onOff is the value of a flag: on or off.
type onOff struct{ given, on bool }

func (v *onOff) String() string { return "" } // no default in the help text
func (v *onOff) Type() string   { return "on|off" }

func (v *onOff) Set(text string) error {
	on := strings.EqualFold(text, "on")
	if !on && !strings.EqualFold(text, "off") {
		return errors.New("use on or off")
	}
	*v = onOff{true, on}
	return nil
}

// A limited is the value of a flag: on, off, or on for a time.
type limited struct {
	onOff
	limit time.Duration // 0 without a limit
}

func (v *limited) Type() string { return "DURATION" }

func (v *limited) Set(text string) error {
	if v.onOff.Set(text) == nil {
		v.limit = 0
		return nil
	}
	var limit timeout
	if limit.Set(text) != nil || time.Duration(limit.duration) > maxLimited {
		return fmt.Errorf("use a duration such as 3m, of at most %.0f hours, or on or off", maxLimited.Hours())
	}
	*v = limited{onOff{true, true}, time.Duration(limit.duration)}
	return nil
}

// An adapterChange holds the flags that change an adapter.
type adapterChange struct {
	power                  onOff
	discoverable, pairable limited
}

// flags adds the flags.
func (o *adapterChange) flags(c *cobra.Command) {
	c.Flags().Var(&o.power, "power", "switch the adapter on or off")
	c.Flags().Var(&o.discoverable, "discoverable", "let scans find the adapter, and devices connect: for this time, on, or off")
	c.Flags().Var(&o.pairable, "pairable", "let devices pair with the adapter: for this time, on, or off")
	for name, values := range map[string][]string{"power": {"on", "off"}, "discoverable": {"3m", "on", "off"}, "pairable": {"3m", "on", "off"}} {
		c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

// given reports whether there is a change.
func (o *adapterChange) given() bool {
	return o.power.given || o.discoverable.given || o.pairable.given
}

// check returns an error if the changes contradict each other.
func (o *adapterChange) check() error {
	if o.power.given && !o.power.on && (o.discoverable.on || o.pairable.on) {
		return usageError{errors.New("--power off excludes --discoverable and --pairable: an adapter has to be on for them")}
	}
	return nil
}

// limits returns the limits in time, as a text.
func (o *adapterChange) limits() string {
	var limits []string
	if o.discoverable.limit > 0 {
		limits = append(limits, fmt.Sprintf("discoverable for %s", o.discoverable.limit))
	}
	if o.pairable.limit > 0 {
		limits = append(limits, fmt.Sprintf("pairable for %s", o.pairable.limit))
	}
	return strings.Join(limits, ", ")
}

// changeAdapter changes an adapter and prints its new state. If the change is
// limited in time, it waits for the end of the time.
func (t *tool) changeAdapter(ctx context.Context, name string, o *adapterChange, asJSON bool) error {
	if err := o.check(); err != nil {
		return err
	}
	adapter, err := t.onlyAdapter(name)
	if err != nil {
		return err
	}
	return t.change(ctx, adapter.Name, *o, func() error {
		if err := t.listAdapters(adapter.Name, asJSON); err != nil {
			return err
		}
		if limits := o.limits(); limits != "" {
			t.note("%s is %s; interrupt to end it before", adapter.Name, limits)
		}
		return nil
	})
}

// onlyAdapter returns the adapter with a name or an address, or the only one.
func (t *tool) onlyAdapter(name string) (rfcomm.Adapter, error) {
	adapters, err := t.adapters()
	if err != nil {
		return rfcomm.Adapter{}, err
	}
	if name == "" && len(adapters) > 1 {
		return rfcomm.Adapter{}, usageError{fmt.Errorf("this machine has several adapters: choose one with --adapter (%s)", adapterList(adapters))}
	}
	return findAdapter(adapters, name)
}
