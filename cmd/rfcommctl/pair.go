package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

// maxPIN is the maximum length of a PIN (Core Specification, Volume 4, Part E,
// section 7.1.12).
const maxPIN = 16

// pairOptions are the flags of the command "pair".
type pairOptions struct {
	link
	pin string
}

// A pairing describes how to pair.
type pairing struct {
	adapter    rfcomm.BDAddr // zero: the first one that is on
	device     rfcomm.BDAddr
	agent      bluez.Agent
	capability bluez.Capability
}

// pairCommand returns the command "pair".
func (t *tool) pairCommand() *cobra.Command {
	var o pairOptions
	c := &cobra.Command{
		Use:   "pair DEVICE [FLAGS]",
		Short: "Pair with a device",
		Long: `Pairs with a device through bluetoothd, which stores the key. Paired devices can connect with --security medium and, if people compared or entered a number of six digits, high. The device must be in range and accept pairings; most do for a few minutes after a button was pressed.

The questions of the pairing are asked on the terminal: the PIN of the device, or whether both devices show the same number. --pin answers the question for a PIN, which many modules have in their manual: 1234 and 0000 are the most frequent. Without a terminal, pair asks nothing. It then pairs with devices that use --pin or need no answer.

A device that is paired already is left as it is. If it has lost its key, use "rfcommctl unpair" first.`,
		Example: `	rfcommctl pair 01:23:45:67:89:AB
	rfcommctl pair HC-05 --pin 1234`,
		Args:              oneWord("DEVICE"),
		RunE:              func(c *cobra.Command, words []string) error { return t.runPair(c, &o, words[0]) },
		ValidArgsFunction: t.completeDevices(unpaired),
	}
	c.Flags().StringVar(&o.pin, "pin", "", "answer with this `PIN` if the device wants one")
	c.RegisterFlagCompletionFunc("pin", cobra.NoFileCompletions)
	timeoutFlag(c, &o.link, time.Minute, "give up after this time")
	t.adapterFlag(c, &o.link)
	refuseTCP(c, "it pairs Bluetooth devices")
	return c
}

// runPair runs the command "pair".
func (t *tool) runPair(c *cobra.Command, o *pairOptions, word string) error {
	if c.Flags().Changed("pin") && (o.pin == "" || len(o.pin) > maxPIN) {
		return usageError{fmt.Errorf("invalid --pin %q: use 1 to %d characters", o.pin, maxPIN)}
	}
	ctx := c.Context()
	device, s, err := t.resolve(ctx, &o.link, word)
	if err == nil {
		err = deviceOnly(c, s, word)
	}
	if err != nil {
		return err
	}
	adapter, err := t.adapterAddress(o.adapter)
	if err != nil {
		return err
	}
	limit := time.Duration(o.timeout.duration)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not paired with %s within %s: %w", device, limit, os.ErrDeadlineExceeded))
	defer cancel()
	return t.pairWith(ctx, pairing{adapter: adapter, device: device}, t.nameOf(ctx, device), o.pin)
}

// pairWith pairs with a device and prints the result.
func (t *tool) pairWith(ctx context.Context, p pairing, name, pin string) error {
	agent := t.pairingAgent(name, pin)
	p.agent, p.capability = agent, bluez.NoInputNoOutput
	if t.answers {
		p.capability = bluez.KeyboardDisplay
	}
	t.note("Pairing with %s …", name)
	err := t.pair(ctx, p)
	switch {
	case err == nil:
		t.note("Paired with %s", name)
	case errors.Is(err, bluez.ErrPaired):
		t.warn("%s is paired already", name)
		err = nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case agent.refusal() != nil:
		err = agent.refusal()
	}
	return err
}
