// Pair lets a phone pair with a machine without display and buttons, such as a
// headless Raspberry Pi: it makes the machine visible until a phone has paired,
// for at most two minutes. In this time it accepts any device, without a question.
//
//	pair [-for 2m] [-pin 1234] [-adapter 01:23:45:67:89:AB]
//
// The PIN is for devices older than Bluetooth 2.1; others pair without one. The
// file pair.service starts it with systemd, for example when a button is pressed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-rfcomm/rfcomm"
	"github.com/go-rfcomm/rfcomm/bluez"
)

var (
	limit   = flag.Duration("for", 2*time.Minute, "")
	pin     = flag.String("pin", "", "")
	address rfcomm.BDAddr // of the adapter; the default is the first
)

func main() {
	flag.TextVar(&address, "adapter", rfcomm.BDAddr{}, "")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: pair [-for 2m] [-pin 1234] [-adapter BDADDR]")
	}
	flag.Parse()
	if flag.NArg() > 0 || *limit < time.Second || len(*pin) > 16 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := pair(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "pair:", err)
		os.Exit(1)
	}
}

// pair waits until a phone has paired, and trusts it.
func pair(ctx context.Context) error {
	client, err := bluez.Connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close() // which restores the adapter
	adapter, err := client.Adapter(ctx, address)
	if err != nil {
		return err
	}
	known, err := paired(ctx, adapter)
	if err != nil {
		return err
	}
	// While there is a default agent, bluetoothd accepts pairings.
	options := bluez.AgentOptions{Capability: bluez.NoInputNoOutput, Default: true}
	if _, err := client.RegisterAgent(ctx, newAgent(), options); err != nil {
		return err
	}
	window, err := adapter.Discoverable(ctx, *limit)
	if err != nil {
		return err
	}
	fmt.Println("Pair with", adapter, "now")
	for {
		select {
		case <-window.Done():
			return errors.New("no phone has paired")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		if found, err := trustNew(ctx, adapter, known); found || err != nil {
			return err
		}
	}
}
